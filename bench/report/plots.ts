/** The report's plots, as SVG. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { SavedCase, SavedRun } from '../harness/saved.js';
import { isOther, majorsOf, ringcoreOf } from './tables.js';

const { document } = parseHTML('<!doctype html><html><body></body></html>');
const width = 840;
const style = { background: 'white', color: 'black' };
/** Colours that can be told apart by everybody (Okabe and Ito); the others are the limits in C. */
const colours: Record<string, string> = {
  'node 20': '#E69F00',
  'ringcore 20': '#0072B2',
  'node 26': '#D55E00',
  'ringcore 26': '#56B4E9',
};
const colourOf = (driver: string): string => colours[driver] ?? '#555555';

function toSvg(options: Plot.PlotOptions): string {
  const svg = Plot.plot({ document, width, style, ...options });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

/** Names in their colours above the plot, since a legend of the library's would be HTML. */
function legend(names: string[]): Plot.Markish[] {
  return names.map((name, index) =>
    Plot.text([name], {
      text: (text: string) => text,
      facet: 'super',
      frameAnchor: 'top-left',
      dx: index * 110,
      dy: -22,
      fill: colourOf(name),
      fontWeight: 'bold',
      fontSize: 12,
    }),
  );
}

/** How many times as good as node, each case against the node that it runs in; the strokes are the targets. */
export function ratioPlot(run: SavedRun, cases: SavedCase[]): string {
  const majors = majorsOf(run);
  const points = cases.flatMap(({ name, ...what }) =>
    majors.flatMap((major) => {
      const ours = ringcoreOf({ name, ...what }, major);
      const { ratio, target } = ours?.comparison ?? {};
      const floor = /^([\d.]+)x$/.exec(target ?? '')?.[1];
      // Of delays, utilization and memory the difference counts, or the value: a ratio of theirs says nothing.
      const isRate = what.unit === 'op/s' || what.unit === 'MB/s' || floor !== undefined;
      if (ratio === undefined || !(ratio > 0) || !isRate) return [];
      return [{ name, driver: `ringcore ${major}`, ratio, floor: floor === undefined ? NaN : Number(floor) }];
    }),
  );
  const names = [...new Set(points.map(({ name }) => name))];
  return toSvg({
    height: 90 + names.length * 16,
    marginLeft: 190,
    marginTop: 50,
    x: {
      type: 'log',
      label: 'times as good as node',
      grid: true,
      tickFormat: (value: number) => `${value}x`,
    },
    y: { domain: names, label: null },
    marks: [
      Plot.ruleX([1], { stroke: 'black' }),
      Plot.tickX(
        points.filter(({ floor }) => floor > 0),
        {
          x: 'floor',
          y: 'name',
          stroke: ({ driver }: { driver: string }) => colourOf(driver),
          strokeWidth: 2,
        },
      ),
      Plot.dot(points, {
        x: 'ratio',
        y: 'name',
        r: 4,
        fill: ({ driver }: { driver: string }) => colourOf(driver),
      }),
      ...legend(majors.map((major) => `ringcore ${major}`)),
    ],
  });
}

/** From the fast exchanges to the slow ones, as the client sees them. */
export function latencyPlot(cases: SavedCase[]): string {
  const points = cases.flatMap(({ name, drivers }) =>
    drivers.flatMap((measured) =>
      Object.entries(measured.percentilesUs)
        .filter(([, us]) => us > 0)
        .map(([percentile, us]) => ({ name, driver: measured.driver, percentile, us })),
    ),
  );
  const names = [...new Set(points.map(({ name }) => name))];
  const drivers = [...new Set(points.map(({ driver }) => driver))];
  return toSvg({
    height: 70 + names.length * 130,
    marginLeft: 60,
    marginRight: 110,
    marginTop: 50,
    x: { type: 'point', domain: ['10', '50', '90', '99', '99.9'], label: 'percentile' },
    y: { type: 'log', label: 'us', grid: true, ticks: 3 },
    fy: { domain: names, label: null },
    marks: [
      Plot.frame({ stroke: '#cccccc' }),
      Plot.line(points, {
        x: 'percentile',
        y: 'us',
        fy: 'name',
        z: 'driver',
        stroke: ({ driver }: { driver: string }) => colourOf(driver),
      }),
      Plot.dot(points, {
        x: 'percentile',
        y: 'us',
        fy: 'name',
        r: 2.5,
        fill: ({ driver }: { driver: string }) => colourOf(driver),
      }),
      ...legend([...drivers.filter((name) => colours[name]), 'C']),
    ],
  });
}

/** How the rate changes as the work grows; both axes logarithmic. */
export function curvePlot(cases: SavedCase[], label: string): string {
  const points = cases.flatMap(({ scaling, drivers }) =>
    drivers
      .filter((measured) => !isOther(measured))
      .map(({ driver, value }) => ({ driver, x: scaling?.x ?? NaN, value })),
  );
  const drivers = [...new Set(points.map(({ driver }) => driver))];
  const common = { x: 'x', y: 'value' };
  return toSvg({
    height: 380,
    marginLeft: 70,
    marginTop: 50,
    x: { type: 'log', label, grid: true },
    y: { type: 'log', label: 'op/s', grid: true },
    marks: [
      Plot.line(points, {
        ...common,
        z: 'driver',
        stroke: ({ driver }: { driver: string }) => colourOf(driver),
      }),
      Plot.dot(points, { ...common, r: 3, fill: ({ driver }: { driver: string }) => colourOf(driver) }),
      ...legend(drivers),
    ],
  });
}
