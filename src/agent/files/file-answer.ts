/** What the agent answers about files, as frames. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describeFileError, FileError } from '#base/files/file-error.ts';
import { FileAnswerSchema, type FileProblem, FileProblemSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { type FilesUp, FilesUpSchema } from '#protocol/gen/drover/v1/link_pb.ts';

type Answer = NonNullable<MessageInitShape<typeof FileAnswerSchema>['kind']>;

/** A frame with that answer. */
export function answerFrame(kind: Answer): FilesUp {
  return create(FilesUpSchema, { kind: { case: 'answer', value: create(FileAnswerSchema, { kind }) } });
}

/** What is wrong with `path`. */
export function problemOf(path: string, error: unknown): FileProblem {
  const denied = error instanceof FileError && error.denied;
  return create(FileProblemSchema, { path, error: describeFileError(error), denied });
}

/** A frame that says so. */
export function problemFrame(path: string, error: unknown): FilesUp {
  return answerFrame({ case: 'problem', value: problemOf(path, error) });
}
