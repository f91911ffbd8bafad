// A certificate that nobody else trusts, for `localhost`, made by
//     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost \
//       -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout key.pem -out certificate.pem
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './support.js';

const read = (name: string): Buffer => readFileSync(join(root, 'test/net/fixtures', name));

export const key = read('key.pem');
export const cert = read('certificate.pem');
