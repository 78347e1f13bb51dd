import { fork } from 'node:child_process'; import tls from 'node:tls';
import { TestAuthority } from '#controller/dispatch/testing/test-certificates.ts';
if (process.send) { process.on('message', (m: any) => { let up = 0, i = 0; const open = () => { if (i >= m.n) return; i++; const s = tls.connect({ port: m.port, host: '127.0.0.1', ...m.id, servername: 'controller.drover' }, () => { s.setNoDelay(true); s.on('data', (b) => s.write(b)); if (++up === m.n) process.send!('up'); open(); }); s.on('error', console.log); }; for (let k = 0; k < 32; k++) open(); }); }
else {
  const n = Number(process.argv[2]); const a = await TestAuthority.create(); const c = await a.controller(); const id = await a.node('n');
  const socks: any[] = []; let left = 0; let done: any; const srv = tls.createServer({ ...c, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' }, (s) => { s.setNoDelay(true); socks.push(s); s.on('error', () => {}); s.on('data', () => { if (--left === 0) done(); }); });
  await new Promise<void>((r) => srv.listen(0, r));
  const ch = fork(new URL(import.meta.url), { execArgv: ['--disable-warning=ExperimentalWarning'] }); ch.send({ n, port: (srv.address() as any).port, id }); await new Promise((r) => ch.on('message', r));
  const b = Buffer.alloc(Number(process.argv[3] ?? 20)); for (let k = 0; k < 8; k++) { left = n; const p = new Promise((r) => (done = r)); const t = performance.now(), cu = process.cpuUsage(); for (const s of socks) s.write(b); await p; const u = process.cpuUsage(cu); console.log(`tls echo ${b.length} B: ${(performance.now() - t).toFixed(0)} ms cpu ${((u.user + u.system) / 1000).toFixed(0)}`); }
  ch.kill(); process.exit();
}
