/** What getrusage(2) and cgroups tell, in words and columns. */
import { formatCpuTime, formatShare } from '#cli/output/format-cpu.ts';
import type { Column } from '#cli/output/table.ts';
import { formatSize } from '#core/format-size.ts';
import { blockBytes, type UsageTotal } from '#core/task-usage.ts';
import type { GroupUsage, ResourceUsage } from '#protocol/gen/drover/v1/task_pb.ts';

/** Every figure of getrusage(2) with its name, as lines of a page. */
export function usageFields(usage: ResourceUsage): [string, string][] {
  const size = (blocks: bigint) => formatSize(blocks * blockBytes);
  return [
    ['cpu', `${formatCpuTime(usage.userUs)} user, ${formatCpuTime(usage.systemUs)} system`],
    ['memory', `${formatSize(usage.maxRssBytes)} at the most, of one process`],
    ['disk', `${size(usage.blockInputs)} read, ${size(usage.blockOutputs)} written`],
    ['page faults', `${usage.majorFaults} major, ${usage.minorFaults} minor`],
    ['switches', `${usage.voluntarySwitches} voluntary, ${usage.involuntarySwitches} involuntary`],
  ];
}

/** What a cgroup counted, of everything together; nothing where it counted nothing. */
export function groupFields({ cpuUs, memoryPeakBytes, oomKills }: GroupUsage): [string, string][] {
  return [
    ['cpu of all', cpuUs > 0n ? formatCpuTime(cpuUs) : ''],
    ['memory of all', memoryPeakBytes > 0n ? `${formatSize(memoryPeakBytes)} at the most` : ''],
    ['out of memory', oomKills > 0 ? `${oomKills} killed by the kernel` : ''],
  ];
}

/** Figures of getrusage(2) as columns; `usageOf` gives undefined where there is nothing to show. */
export function usageColumns<Row>(usageOf: (row: Row) => ResourceUsage | undefined): {
  readonly common: Column<Row>[];
  readonly more: Column<Row>[];
} {
  const { figure, size } = columnsOf(usageOf);
  return {
    common: [
      figure('USER', 'userUs', formatCpuTime),
      figure('SYSTEM', 'systemUs', formatCpuTime),
      figure('MAXRSS', 'maxRssBytes', formatSize),
      figure('READ', 'blockInputs', size),
      figure('WRITTEN', 'blockOutputs', size),
    ],
    more: faultColumns(usageOf),
  };
}

/** Figures of tasks as columns; `-` where one is not known. */
export function totalColumns<Row>(totalOf: (row: Row) => UsageTotal | undefined): {
  readonly common: Column<Row>[];
  readonly more: Column<Row>[];
} {
  const { column, figure, size } = columnsOf(totalOf);
  return {
    common: [
      figure('CPU', 'cpuUs', formatCpuTime),
      column('CPU%', averageShare),
      figure('MEMORY', 'memoryBytes', formatSize),
      figure('READ', 'blockInputs', size),
      figure('WRITTEN', 'blockOutputs', size),
      column('OUTPUT', (total) => formatSize(total.outputBytes)),
    ],
    more: [
      figure('USER', 'userUs', formatCpuTime),
      figure('SYSTEM', 'systemUs', formatCpuTime),
      figure('MAXRSS', 'maxRssBytes', formatSize),
      column('OOM', (total) => String(total.oomKills)),
      ...faultColumns(totalOf),
    ],
  };
}

interface Faults {
  readonly majorFaults: bigint | undefined;
  readonly minorFaults: bigint | undefined;
  readonly voluntarySwitches: bigint | undefined;
  readonly involuntarySwitches: bigint | undefined;
}

function faultColumns<Row>(of: (row: Row) => Faults | undefined): Column<Row>[] {
  const { figure } = columnsOf(of);
  return [
    figure('MAJFLT', 'majorFaults', String),
    figure('MINFLT', 'minorFaults', String),
    figure('VCSW', 'voluntarySwitches', String),
    figure('ICSW', 'involuntarySwitches', String),
  ];
}

function columnsOf<Row, Figures>(of: (row: Row) => Figures | undefined) {
  const column = (header: string, show: (figures: Figures) => string): Column<Row> => ({
    header,
    right: true,
    value(row) {
      const figures = of(row);
      return figures === undefined ? '-' : show(figures);
    },
  });
  return {
    column,
    figure: (header: string, name: keyof Figures, show: (value: bigint) => string) =>
      column(header, (figures) => {
        const value = figures[name];
        return typeof value === 'bigint' ? show(value) : '-';
      }),
    size: (blocks: bigint) => formatSize(blocks * blockBytes),
  };
}

/** CPU time over running time: of one CPU, so that two busy ones are 200 %. */
function averageShare({ cpuUs, ranMs }: UsageTotal): string {
  return cpuUs !== undefined && ranMs > 0 ? formatShare(Number(cpuUs) / 1000 / ranMs) : '-';
}
