// The executor on a simulated ring: seeded schedules of operations, chains, cancellations, faults and
// endings. What a seed does, it does again: `npm run test:sim -- --seed N --runs 1` tells every SQE, every
// CQE and every action of it.
//
//   program.*, actions.cc    JavaScript's part: starts and cancels, holds memory, takes descriptors; knows
//   what must hold kernel.*, ring.cc, requests.cc, operations.*   io_uring's uv.h, loop.cc libuv's, in
//   simulated time world.*, random.h        memory, descriptors, the clock, the dice
//
// Broken on purpose, one at a time, and seen to fail within the 6000 schedules:
//   op_table      find() ignores the generation
//   executor      a zero-copy send ends with its first CQE; an operation with a timeout ends without its
//   timeout's CQE executor      its storage is released with the first of the two executor      a slot is
//   free before JavaScript has seen its result executor      what came when JavaScript could not run any more
//   is not closed executor      a number stays in the client's list until its close completes (it was so)
//   executor      a cancellation that did not find its target is not asked again
//   executor      drain() stops after one round; begin_chain() reserves no room; queued() does not keep the
//   loop awake executor      begin_deferred() does not say that nothing is left to do (it was so) enter
//   EAGAIN is not tried again; a sleeping SQPOLL thread is not woken turn          no second look behind the
//   unmasking of the eventfd ring          wants_enter() ignores the overflow; a chain in the backlog is
//   moved in parts; SQEs overtake the backlog buffer_ring   the place in an incremental buffer is not moved
//   on read_file     the descriptor of a pair that the kernel refused stays open; one that was cancelled is
//   not closed
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "program.h"

using namespace ringcore;

namespace {

enum class Scene : uint8_t { kPlain, kSmall, kHostile, kSqpoll, kWaitInRing, kTwoRings, kOldKernel, kSetup };
constexpr const char* kScenes[] = {"an ordinary ring", "queues of a few entries", "a kernel that fails often",
                                   "SQPOLL",           "waiting in the ring",     "two rings on a loop",
                                   "an old kernel",    "a set-up that fails"};
constexpr uint64_t kCount = std::size(kScenes);

ExecutorOptions options_of(Scene scene, Random& random) {
  ExecutorOptions options;
  options.ring.entries = 64;
  options.ring.cq_entries = 128;
  options.operations = 200;
  options.spin_microseconds = random.pick({0u, 20u});
  if (scene == Scene::kSmall || random.chance(200)) {
    options.ring.entries = random.pick({1u, 2u, 4u, 16u});
    options.ring.cq_entries = options.ring.entries * random.pick({1u, 2u});
    options.operations = random.pick({1u, 4u, 30u, 100u});
  }
  if (scene == Scene::kSqpoll) options.ring.sqpoll_idle_ms = 1;
  options.wait_in_ring = scene == Scene::kWaitInRing;
  return options;
}

void set_faults(Scene scene, World& world) {
  Faults& faults = world.kernel->faults;
  faults.old = scene == Scene::kOldKernel;
  faults.level = world.random.chance(200);
  if (scene == Scene::kHostile) {
    faults.fail = 300;
    faults.shorten = 400;
    faults.refuse = 200;
    faults.ghosts = 300;
    faults.deny = 80;
    world.kernel->remote = 300;
  }
  if (scene == Scene::kSetup) faults.setup_call = world.random.pick({0, 1, 2, 3, 4, 5, 6, 100});
}

// Where the program's own code runs, beside its completions.
struct Schedule {
  World world;
  uv_loop_t loop;
  uv_prepare_t prepare;
  uv_check_t check;
  std::unique_ptr<Program> programs[2];
  uint32_t actions = 0;

  explicit Schedule(uint64_t seed) : world(seed) {}

  template <class Each>
  void each(Each each) {
    for (auto& program : programs) {
      if (program != nullptr) each(*program);
    }
  }
  void act(uint32_t most) {
    for (uint32_t count = world.random.below(most + 1); count > 0 && actions > 0; count--, actions--) {
      each([&](Program& program) {
        if (world.random.chance(700)) program.act();
      });
    }
  }
  void set_timer() { loop.timer_ns = world.now_ns + world.random.pick({1000u, 200'000u, 3'000'000u}); }
  template <class Done>
  void turn_until(Done done, const char* what) {
    for (int turns = 0; !done(); turns++) {
      if (turns > 20'000) broken("%s: never", what);
      loop.turn();
      each([](Program& program) { program.check(); });
    }
  }
};

int lowest_descriptor() {
  const int fd = dup(STDERR_FILENO);
  close(fd);
  return fd;
}

void run_schedule(uint64_t seed) {
  const auto scene = static_cast<Scene>(seed % kCount);
  Schedule schedule(seed);
  World& world = schedule.world;
  set_faults(scene, world);
  schedule.actions = world.random.pick({5u, 40u, 150u});

  schedule.loop.timer = [](void* data) {
    auto& schedule = *static_cast<Schedule*>(data);
    schedule.act(6);
    schedule.set_timer();
  };
  schedule.loop.timer_data = &schedule;
  schedule.loop.asleep = [](void* data) {
    static_cast<Schedule*>(data)->each([](Program& program) { program.expect_nothing_to_do(); });
  };
  // Both sides of the executor's own.
  const auto start_phases = [&] {
    uv_prepare_init(&schedule.loop, &schedule.prepare);
    uv_check_init(&schedule.loop, &schedule.check);
    schedule.prepare.data = schedule.check.data = &schedule;
    uv_prepare_start(&schedule.prepare,
                     [](uv_prepare_t* handle) { static_cast<Schedule*>(handle->data)->act(1); });
    uv_check_start(&schedule.check, [](uv_check_t* handle) { static_cast<Schedule*>(handle->data)->act(1); });
    schedule.prepare.referenced = schedule.check.referenced = false;
  };
  const bool before = world.random.chance(500);
  if (before) start_phases();
  const int descriptor = lowest_descriptor();
  const int rings = scene == Scene::kTwoRings ? 2 : 1;
  for (int i = 0; i < rings; i++) {
    schedule.programs[i] = std::make_unique<Program>(world, &schedule.loop, options_of(scene, world.random));
    if (schedule.programs[i]->opened()) continue;
    if (scene != Scene::kSetup) broken("no ring: %s", schedule.programs[i]->error().step);
    if (world.kernel->rings() > 0 || lowest_descriptor() != descriptor)
      broken("a set-up that failed leaves something");
    return;
  }
  if (rings == 2) {
    schedule.programs[0]->peer = schedule.programs[1].get();
    schedule.programs[1]->peer = schedule.programs[0].get();
  }
  if (!before) start_phases();

  schedule.set_timer();
  const bool in_batch = world.random.chance(300);
  const bool ends = world.random.chance(400);
  schedule.turn_until([&] { return schedule.actions == 0; }, "the schedule ends");
  if (in_batch) {
    schedule.each([&](Program& program) { (ends ? program.end_in_batch : program.close_in_batch) = true; });
    schedule.actions = 30;
    schedule.turn_until([&] { return schedule.actions == 0; }, "it ends in a batch");
  }
  schedule.loop.timer_ns = kNever;
  if (!in_batch && world.random.chance(500)) {
    // Everybody has had enough: it all settles, and nothing keeps the loop.
    schedule.each([&](Program& program) {
      if (world.random.chance(300)) program.read_file();
      program.cancel_all();
      program.wind_down();
    });
    const auto settled = [&] {
      bool idle = true;
      schedule.each([&](Program& program) { idle &= program.idle(); });
      return idle;
    };
    schedule.turn_until(settled, "what was cancelled settles");
    schedule.turn_until([&] { return !schedule.loop.alive(); }, "the loop ends");
  }
  schedule.each([&](Program& program) {
    if (ends) {
      program.end();
    } else {
      program.close();
    }
  });
  const auto closed = [&] {
    bool all = true;
    schedule.each([&](Program& program) { all &= program.closed(); });
    return all;
  };
  schedule.turn_until(closed, "the ring is closed");
  schedule.each([](Program& program) { program.expect_nothing_left(); });
  if (const size_t left = world.descriptors.count()) broken("%zu descriptors are left", left);
  if (const size_t left = world.memory.count()) broken("%zu pieces of memory are left", left);
  if (lowest_descriptor() != descriptor) broken("the ring's descriptors are left");
}

// Runs seeds of one scene in a child process, since what is broken ends a process. The seed that did so, or
// 0.
uint64_t run_scene(uint64_t first, uint64_t runs, uint64_t scene, uint64_t* done) {
  auto* seed = static_cast<volatile uint64_t*>(
      mmap(nullptr, sizeof(uint64_t) * 2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    mallopt(M_PERTURB, 0xa5);               // what is freed looks so
    constexpr unsigned kLimitSeconds = 20;  // of one schedule: they take a millisecond
    for (uint64_t one = first; one < first + runs; one++) {
      if (one % kCount != scene) continue;
      seed[0] = one;
      alarm(kLimitSeconds);
      run_schedule(one);
      seed[1] = seed[1] + 1;
    }
    std::exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  *done = seed[1];
  return status == 0 ? 0 : seed[0];
}

uint64_t number(int argc, char** argv, const char* name, uint64_t standard) {
  for (int i = 1; i + 1 < argc; i++) {
    if (std::strcmp(argv[i], name) == 0) return std::strtoull(argv[i + 1], nullptr, 10);
  }
  return standard;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t first = number(argc, argv, "--seed", 1);
  const uint64_t runs = number(argc, argv, "--runs", 4000);
  verbose = runs == 1;
  bool ok = true;
  uint64_t count = 0;
  std::printf("TAP version 14\n");
  for (uint64_t scene = 0; scene < kCount; scene++) {
    uint64_t done = 0;
    const uint64_t failed = run_scene(first, runs, scene, &done);
    if (failed == 0 && done == 0) continue;
    ok &= failed == 0;
    std::printf("%sok %llu - %s: %llu schedules\n", failed == 0 ? "" : "not ",
                static_cast<unsigned long long>(++count), kScenes[scene],
                static_cast<unsigned long long>(done));
    if (failed == 0) continue;
    std::printf("  ---\n  message: seed %llu\n  again: npm run test:sim -- --seed %llu --runs 1\n  ...\n",
                static_cast<unsigned long long>(failed), static_cast<unsigned long long>(failed));
  }
  std::printf("1..%llu\n", static_cast<unsigned long long>(count));
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
