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
  const { column, size } = columnsOf(usageOf);
  return {
    common: [
      column('USER', (usage) => formatCpuTime(usage.userUs)),
      column('SYSTEM', (usage) => formatCpuTime(usage.systemUs)),
      column('MAXRSS', (usage) => formatSize(usage.maxRssBytes)),
      column('READ', (usage) => size(usage.blockInputs)),
      column('WRITTEN', (usage) => size(usage.blockOutputs)),
    ],
    more: faultColumns(usageOf),
  };
}

/** Figures of tasks as columns. What only the end of an attempt tells is not shown of one that runs. */
export function totalColumns<Row>(totalOf: (row: Row) => UsageTotal | undefined): {
  readonly common: Column<Row>[];
  readonly more: Column<Row>[];
} {
  const { column, size } = columnsOf(totalOf);
  const ended = (row: Row) => {
    const total = totalOf(row);
    return total?.live ? undefined : total;
  };
  const atEnd = columnsOf(ended).column;
  return {
    common: [
      column('CPU', (total) => formatCpuTime(total.cpuUs)),
      column('CPU%', averageShare),
      column('MEMORY', (total) => formatSize(total.memoryBytes)),
      atEnd('READ', (total) => size(total.blockInputs)),
      atEnd('WRITTEN', (total) => size(total.blockOutputs)),
      column('OUTPUT', (total) => formatSize(total.outputBytes)),
    ],
    more: [
      column('USER', (total) => formatCpuTime(total.userUs)),
      column('SYSTEM', (total) => formatCpuTime(total.systemUs)),
      atEnd('MAXRSS', (total) => formatSize(total.maxRssBytes)),
      column('OOM', (total) => String(total.oomKills)),
      ...faultColumns(ended),
    ],
  };
}

interface Faults {
  readonly majorFaults: bigint;
  readonly minorFaults: bigint;
  readonly voluntarySwitches: bigint;
  readonly involuntarySwitches: bigint;
}

function faultColumns<Row>(of: (row: Row) => Faults | undefined): Column<Row>[] {
  const { column } = columnsOf(of);
  return [
    column('MAJFLT', (usage) => String(usage.majorFaults)),
    column('MINFLT', (usage) => String(usage.minorFaults)),
    column('VCSW', (usage) => String(usage.voluntarySwitches)),
    column('ICSW', (usage) => String(usage.involuntarySwitches)),
  ];
}

function columnsOf<Row, Figures>(of: (row: Row) => Figures | undefined) {
  return {
    column: (header: string, show: (figures: Figures) => string): Column<Row> => ({
      header,
      right: true,
      value(row) {
        const figures = of(row);
        return figures === undefined ? '-' : show(figures);
      },
    }),
    size: (blocks: bigint) => formatSize(blocks * blockBytes),
  };
}

/** CPU time over running time: of one CPU, so that two busy ones are 200 %. */
function averageShare({ cpuUs, ranMs }: UsageTotal): string {
  return ranMs > 0 ? formatShare(Number(cpuUs) / 1000 / ranMs) : '-';
}
