/** What the agent listener answers with: gRPC over HTTP/2, by hand, for the few methods that there are. */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { grpcContentType } from '#base/grpc-frames.ts';

/** The status codes of gRPC that we use. */
export const grpcStatus = {
  ok: 0,
  notFound: 5,
  failedPrecondition: 9,
  unimplemented: 12,
} as const;

/** Begins a good answer; its trailers follow when the stream is ended. */
export function respondStream(stream: ServerHttp2Stream): void {
  stream.respond(
    { [constants.HTTP2_HEADER_STATUS]: 200, [constants.HTTP2_HEADER_CONTENT_TYPE]: grpcContentType },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(grpcStatus.ok) }));
}

/** Refuses a request: its body is not read. `message` is ASCII without "%". */
export function refuseStream(
  stream: ServerHttp2Stream,
  httpStatus: number,
  status: number,
  message: string,
): void {
  stream.on('error', () => {});
  stream.respond(
    {
      [constants.HTTP2_HEADER_STATUS]: httpStatus,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: grpcContentType,
      'grpc-status': String(status),
      'grpc-message': message,
    },
    { endStream: true },
  );
  stream.close(constants.NGHTTP2_NO_ERROR);
}
