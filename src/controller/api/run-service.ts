/** RunService: launching commands on sets of nodes, and how that went. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { RunService } from '#protocol/gen/drover/v1/api_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf } from './caller.ts';
import { createRun } from './create-run.ts';
import { pageRequest } from './page-request.ts';
import { presentTask } from './present-task.ts';
import { resolveRun, seenRuns } from './resolve-run.ts';

/** The handlers. */
export function createRunService(parts: ApiParts): ServiceImpl<typeof RunService> {
  const { store, dispatch } = parts;
  return {
    async createRun(request, context) {
      const { record, tasks } = await createRun(parts, operatorOf(context), request);
      return {
        run: record.run,
        tasks: tasks.map((task) => presentTask(task, dispatch)),
      };
    },

    async getRun({ id }, context) {
      return (await resolveRun(store.read, operatorOf(context), id)).run;
    },

    async listRuns(request, context) {
      const page = await store.read.listRuns(pageRequest(request));
      const runs = await seenRuns(store.read, operatorOf(context), page.rows);
      return { runs: [...runs], nextPageToken: page.next ?? '' };
    },
  };
}
