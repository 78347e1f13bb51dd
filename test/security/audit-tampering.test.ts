/** Somebody with the controller's database in hand changes its audit: what drover audit verify says of each try. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { chainHash } from '#base/hash-chain.ts';
import { createLog } from '#base/log.ts';
import { callCommand } from '#cli/call-command.ts';
import { connectCluster } from '#cli/connect-cluster.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { type Controller, startController } from '#controller/controller.ts';
import { accessTo } from '#test/fixture/cluster.ts';

const loopback = { host: '127.0.0.1', port: 0 };

function start(directory: string): Promise<Controller> {
  return startController({
    dataDirectory: join(directory, 'data'),
    listen: loopback,
    agentListen: loopback,
    auditCheckpoints: [{ to: 'directory', path: join(directory, 'apart') }],
    log: createLog('controller', 'silent'),
  });
}

/** Changes the audit of a controller that was stopped after six commands, and gives what verifying says then. */
async function verdictOn(tamper: (database: DatabaseSync) => void): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'drover-tampering-'));
  try {
    {
      await using controller = await start(directory);
      using connection = connectCluster(accessTo(controller));
      for (let i = 0; i < 6; i++) await connection.joinTokens.createJoinToken({ names: `web${i}` });
    }
    {
      using database = new DatabaseSync(join(directory, 'data', 'drover.db'));
      tamper(database);
    }
    await using controller = await start(directory);
    using made = createTestContext({ access: accessTo(controller) });
    await callCommand(made.context, ['audit', 'verify', '--checkpoints', join(directory, 'apart')]);
    return made.printed.stdout() + made.printed.stderr();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Hashes every row from one on again, as somebody would who knows how it is done. */
function rehash(database: DatabaseSync, from: number): void {
  const rows = database.prepare('select * from audit where sequence >= ? order by sequence').all(from - 1);
  let [previous] = rows.map((row) => String(row['hash']));
  for (const { sequence, hash: _, ...content } of rows.slice(1)) {
    previous = chainHash(previous ?? '', {
      sequence: Number(sequence),
      content: content as Record<string, string>,
    });
    database.prepare('update audit set hash = ? where sequence = ?').run(previous, sequence ?? 0);
  }
}

const tries: readonly (readonly [string, (database: DatabaseSync) => void, RegExp])[] = [
  ['nothing', () => {}, /^6 rows, chained without a gap; \d checkpoints fit, the last of \S+\n$/],
  [
    'who it was',
    (database) => database.exec("update audit set who = 'nobody' where sequence = 3"),
    /^drover: the audit was tampered with: row 3 is not what was recorded/,
  ],
  [
    'one character of what was asked',
    (database) => database.exec("update audit set request = replace(request, 'web4', 'web5')"),
    /: row 5 is not what was recorded/,
  ],
  [
    'that there was a row',
    (database) => database.exec('delete from audit where sequence = 2'),
    /: row 2 is missing/,
  ],
  [
    'a row and every hash behind it',
    (database) => {
      database.exec("update audit set who = 'nobody' where sequence = 3");
      rehash(database, 3);
    },
    /: a row from 1 to 6 was changed and all behind it written anew/,
  ],
  [
    'that there was an end',
    (database) => database.exec('delete from audit where sequence > 4'),
    /: rows 5 to 6 are missing at the end: the checkpoint of \S+ has them; rows 1 to 4 are as they were recorded/,
  ],
  [
    'that there was an end, and the number of the next row',
    (database) => {
      database.exec('delete from audit where sequence > 4');
      database.exec("update counters set value = 4 where name = 'audit'");
    },
    /: rows 5 to 6 are missing at the end/,
  ],
];

for (const [what, tamper, verdict] of tries) {
  test(`drover audit verify after a change of ${what}`, async () => {
    assert.match(await verdictOn(tamper), verdict);
  });
}
