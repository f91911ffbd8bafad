-- For wrk: checks every reply, and says in JSON what came of it.
local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

wrong = 0

function response(status, _, body)
  if status ~= 200 or body ~= "hello world\n" then
    wrong = wrong + 1
  end
end

function done(summary, latency)
  local all = 0
  for _, thread in ipairs(threads) do
    all = all + thread:get("wrong")
  end
  local errors = summary.errors
  io.write(
    string.format(
      '{"requests":%d,"us":%d,"wrong":%d,"errors":%d,"p50Us":%d,"p99Us":%d}\n',
      summary.requests,
      summary.duration,
      all,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50),
      latency:percentile(99)
    )
  )
end
