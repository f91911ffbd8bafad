/** node:fs's constants: some differ between architectures, and node knows them. @module */
import { constants } from 'node:fs';

export const fsConstants = constants;
