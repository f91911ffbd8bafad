import type { Case } from '../harness/types.js';
import { copyCases } from './copy.js';
import { echoCases } from './echo.js';
import { eventLoopCases } from './event_loop.js';
import { frameworkCases } from './frameworks.js';
import { httpCases } from './http.js';
import { memoryCases } from './memory.js';
import { nameCases } from './names.js';
import { readFileCases } from './read_file.js';
import { receiveCases } from './receive.js';
import { scalingCases } from './scaling.js';
import { startUpCases } from './start_up.js';
import { statCases } from './stat.js';
import { streamCases } from './streams.js';
import { writeFileCases } from './write_file.js';

export const allCases: Case[] = [
  ...readFileCases,
  ...statCases,
  ...streamCases,
  ...writeFileCases,
  ...nameCases,
  ...copyCases,
  ...echoCases,
  ...receiveCases,
  ...httpCases,
  ...frameworkCases,
  ...eventLoopCases,
  ...memoryCases,
  ...startUpCases,
  ...scalingCases,
];
