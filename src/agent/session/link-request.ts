/** Headers of the requests that an agent makes on its link. */
import type { OutgoingHttpHeaders } from 'node:http2';
import { grpcContentType } from '#base/grpc-frames.ts';
import { AgentLinkService } from '#protocol/gen/drover/v1/link_pb.ts';

/** Headers that call `method` of AgentLinkService. */
export function linkRequestHeaders(method: 'Session' | 'Push' | 'Pull' | 'Files'): OutgoingHttpHeaders {
  return {
    ':method': 'POST',
    ':path': `/${AgentLinkService.typeName}/${method}`,
    'content-type': grpcContentType,
    te: 'trailers',
  };
}
