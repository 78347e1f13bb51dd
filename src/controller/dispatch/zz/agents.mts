import { connect } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { encodeFrame, FrameDecoder } from '#base/grpc-frames.ts';
import { AgentFrameSchema, ControllerFrameSchema } from '#protocol/gen/drover/v1/link_pb.ts';

process.on('message', (m: any) => {
  const { address, identities } = m;
  let up = 0;
  let i = 0;
  let inflight = 0;
  const next = () => {
    while (inflight < 32 && i < identities.length) {
      inflight++;
      open(identities[i++]);
    }
  };
  const open = (id: any) => {
    const h = connect('https://' + address, {
      ...id,
      servername: 'controller.drover',
      settings: { enablePush: false },
    });
    h.on('error', (e) => console.log('agent', e.message));
    const s = h.request({
      ':method': 'POST',
      ':path': '/drover.v1.AgentLinkService/Session',
      'content-type': 'application/grpc+proto',
    });
    s.on('error', () => {});
    const send = (kind: any) =>
      s.write(encodeFrame(toBinary(AgentFrameSchema, create(AgentFrameSchema, { kind }))));
    send({ case: 'hello', value: { protocol: 1, version: '0', journalId: 'j' } });
    const d = new FrameDecoder(1 << 20);
    let seq = 0n;
    s.on('data', (b: Buffer) => {
      for (const m of d.push(b)) {
        const { kind } = fromBinary(ControllerFrameSchema, m);
        if (kind.case === 'welcome') {
          inflight--;
          next();
          if (++up === identities.length) process.send!('up');
        } else if (kind.case === 'start')
          send({
            case: 'event',
            value: {
              sequence: ++seq,
              taskId: kind.value.taskId,
              attempt: {
                number: 1,
                state: 6,
                pid: 1234,
                outcome: { kind: { case: 'exited', value: { code: 0 } } },
                cause: 1,
                usage: { userUs: 1000n, systemUs: 2000n, maxRssBytes: 1234567n },
              },
            },
          });
        else if (kind.case === 'heartbeat')
          send({ case: 'heartbeat', value: { sequence: kind.value.sequence, answers: kind.value.sequence } });
        else if (kind.case === 'askUsage')
          send({ case: 'result', value: { commandId: kind.value.commandId, usage: { userUs: 1n } } });
        else if (kind.case === 'goodbye') {
          console.log('goodbye', kind.value.reason);
        }
      }
    });
  };
  next();
});
