/** RunService: launching commands on sets of nodes, and how that went. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { RunService } from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf, requireVerb } from './caller.ts';
import { createRun } from './create-run.ts';
import { pageRequest } from './page-request.ts';
import { presentTask } from './present-task.ts';
import { resolveRun } from './resolve-run.ts';

/** The handlers. */
export function createRunService(parts: ApiParts): ServiceImpl<typeof RunService> {
  const { store, dispatch } = parts;
  return {
    async createRun(request, context) {
      if (request.spec?.shell) requireVerb(context, Verb.TASK_SHELL);
      if (request.spec?.terminal) requireVerb(context, Verb.SHELL_OPEN);
      const { record, tasks } = await createRun(parts, operatorOf(context), request);
      return {
        run: record.run,
        tasks: tasks.map((task) => presentTask(task, dispatch)),
      };
    },

    async getRun({ id }) {
      return (await resolveRun(store.read, id)).run;
    },

    async listRuns(request) {
      const page = await store.read.listRuns(pageRequest(request));
      return { runs: [...page.rows], nextPageToken: page.next ?? '' };
    },
  };
}
