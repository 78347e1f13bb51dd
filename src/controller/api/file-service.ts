/** FileService: files to and from nodes, and what is asked of files there. */
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { FileService, FileTarget } from '#protocol/gen/drover/v1/api_pb.ts';
import { nodeTargets } from './access-targets.ts';
import type { ApiParts } from './api-parts.ts';
import { askNodes } from './ask-nodes.ts';
import { operatorOf, requireAccess } from './caller.ts';
import { copyFromNodes } from './copy-from-nodes.ts';
import { copyToNodes } from './copy-to-nodes.ts';
import { type OrderInit, takeFileCall } from './file-call.ts';

/** The handlers. */
export function createFileService(parts: ApiParts): ServiceImpl<typeof FileService> {
  const take = (context: HandlerContext, target: FileTarget | undefined, order: OrderInit) =>
    takeFileCall(parts, operatorOf(context), target, order, (verb, nodes) =>
      requireAccess(context, verb, nodeTargets(nodes)),
    );
  async function* ask(context: HandlerContext, target: FileTarget | undefined, order: OrderInit) {
    yield* askNodes(parts, await take(context, target, order), context.signal);
  }
  return {
    async *copyToNodes(requests, context) {
      const messages = requests[Symbol.asyncIterator]();
      const { value } = await messages.next();
      const first = value?.kind.case === 'target' ? value.kind.value : undefined;
      const order = first?.put && ({ case: 'put', value: first.put } as const);
      const call = await take(context, first?.target, order);
      yield* copyToNodes(parts, call, messages, context.signal);
    },

    async *copyFromNodes(requests, context) {
      const messages = requests[Symbol.asyncIterator]();
      const { value } = await messages.next();
      const first = value?.kind.case === 'target' ? value.kind.value : undefined;
      const order = first?.get && ({ case: 'get', value: first.get } as const);
      const call = await take(context, first?.target, order);
      yield* copyFromNodes(parts, call, messages, context.signal);
    },

    listFiles: ({ target, list }, context) => ask(context, target, list && { case: 'list', value: list }),

    readFile: ({ target, read }, context) => ask(context, target, read && { case: 'read', value: read }),

    makeDirectories: ({ target, make }, context) =>
      ask(context, target, make && { case: 'makeDirectories', value: make }),

    moveFile: ({ target, move }, context) => ask(context, target, move && { case: 'move', value: move }),

    removeFiles: ({ target, remove }, context) =>
      ask(context, target, remove && { case: 'remove', value: remove }),
  };
}
