// An answer without an end, until the client has had enough of it.
import { pattern, fact } from './facts.mjs';

const chunk = pattern(65536);

export function endless(response) {
  let open = true;
  const more = () => {
    while (open && response.write(chunk));
  };
  response.on('drain', more).once('close', () => {
    open = false;
    fact('gone', { finished: response.writableFinished });
  });
  more();
}
