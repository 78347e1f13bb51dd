import { fork } from 'node:child_process';
import { systemClock } from '#base/clock.ts';
import { DispatchFixture } from '#controller/dispatch/testing/dispatch-fixture.ts';

const N = Number(process.argv[2]);
const names = Array.from({ length: N }, (_, i) => 'n' + i);
const f = await DispatchFixture.start();
Object.assign(f.clock, {});
console.log('adding', N);
const ids: any[] = [];
for (const n of names) {
  await f.addNode(n);
  const { ca, cert, key } = f.identity(n);
  ids.push({ ca, cert, key });
}
const child = fork(new URL('./agents.mts', import.meta.url), {
  execArgv: ['--disable-warning=ExperimentalWarning'],
});
global.gc?.();
const rss0 = process.memoryUsage().rss;
let t = performance.now(),
  c = process.cpuUsage();
child.send({ address: f.dispatch.address, identities: ids });
await new Promise((r) => child.on('message', r));
let u = process.cpuUsage(c);
global.gc?.();
console.log(
  `connect all: ${(performance.now() - t).toFixed(0)} ms, cpu ${((u.user + u.system) / 1000).toFixed(0)} ms, rss +${((process.memoryUsage().rss - rss0) / 1024 / N).toFixed(0)} KB/agent`,
);
const never = new AbortController().signal;
for (let k = 0; k < 6; k++) {
  t = performance.now();
  c = process.cpuUsage();
  await Promise.all(names.map((n) => f.dispatch.usage(n, never)));
  u = process.cpuUsage(c);
  console.log(
    `ask usage: ${(performance.now() - t).toFixed(0)} ms, cpu ${((u.user + u.system) / 1000).toFixed(0)} ms`,
  );
}
for (let k = 0; k < 6; k++) {
  t = performance.now();
  const tasks = await f.record(names);
  const tr = performance.now() - t;
  let left = N;
  const done = Promise.withResolvers<void>();
  const l = f.dispatch.onTaskChange((task) => {
    if (task.state === 6 && --left === 0) done.resolve();
  });
  t = performance.now();
  c = process.cpuUsage();
  await f.dispatch.launch(tasks, 'ada', 1);
  const tl = performance.now() - t;
  await done.promise;
  l[Symbol.dispose]();
  u = process.cpuUsage(c);
  console.log(
    `record ${tr.toFixed(0)} ms; launch() ${tl.toFixed(0)} ms, all ended ${(performance.now() - t).toFixed(0)} ms, cpu ${((u.user + u.system) / 1000).toFixed(0)} ms`,
  );
}
child.kill();
await f[Symbol.asyncDispose]();
