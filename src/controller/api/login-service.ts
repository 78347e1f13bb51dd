/** LoginService: from somebody whom the cluster's identity provider knows to a token. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { requireDescription } from '#controller/auth/manage-users.ts';
import { logIn } from '#controller/auth/oidc/log-in.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { LoginService } from '#protocol/gen/drover/v1/access_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { ApiParts } from './api-parts.ts';
import { type CallLimits, peerKey } from './call-limits.ts';
import { presentUserToken } from './present-access.ts';

/** The handlers. */
export function createLoginService(
  parts: Pick<ApiParts, 'store' | 'clock' | 'login'> & { readonly callLimits: CallLimits },
): ServiceImpl<typeof LoginService> {
  const { clock, login, callLimits } = parts;
  let waiting = 0;
  return {
    async *logInByDevice({ description }, { signal, values }) {
      if (!login) {
        throw new RefusedError('NO_LOGIN', 'this cluster has no identity provider: log in with a token');
      }
      requireDescription(description, 'token');
      callLimits.takeLogin(values.get(peerKey));
      if (waiting >= limits.loginsWaitingMax) {
        throw new RefusedError('LIMIT', `${waiting} people are logging in already: wait for some seconds`);
      }
      waiting++;
      try {
        const device = await login.provider.startDeviceLogin();
        const { address, code, completeAddress, expiresInMs } = device;
        const expiresAt = timestampFromMs(clock.wallMs() + expiresInMs);
        yield { kind: { case: 'prompt', value: { address, code, completeAddress, expiresAt } } };
        const identity = await device.wait(signal);
        const { text, record } = await logIn(parts, identity, login.config, description);
        yield { kind: { case: 'token', value: { text, recorded: presentUserToken(record) } } };
      } finally {
        waiting--;
      }
    },
  };
}
