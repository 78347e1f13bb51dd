/** Headers of the requests that an agent makes on its link. */
import type { OutgoingHttpHeaders } from 'node:http2';
import { AgentLinkService } from '#protocol/gen/drover/v1/link_pb.ts';

/** The content type of both directions, as link.proto has it. */
export const linkContentType = 'application/grpc+proto';

/** Headers that call `method` of AgentLinkService. */
export function linkRequestHeaders(method: 'Session' | 'Push'): OutgoingHttpHeaders {
  return {
    ':method': 'POST',
    ':path': `/${AgentLinkService.typeName}/${method}`,
    'content-type': linkContentType,
    te: 'trailers',
  };
}
