/**
 * What every store must do, whatever its backend: one suite, run with a fixture for each. What only one backend has
 * (files, modes, servers) is tested beside that backend.
 */
import { describe, test } from 'node:test';
import { auditContract } from './contract/audit.ts';
import { durabilityContract } from './contract/durability.ts';
import { eventsContract, eventUpkeepContract } from './contract/events.ts';
import type { StoreFixture, StoreTest } from './contract/fixture.ts';
import { nodeManagementContract, nodesContract } from './contract/nodes.ts';
import { pagingContract } from './contract/paging.ts';
import { runsContract } from './contract/runs.ts';
import { tasksContract } from './contract/tasks.ts';
import { tokensContract } from './contract/tokens.ts';
import { transactionsContract } from './contract/transactions.ts';
import { rolesContract, usersContract } from './contract/users.ts';

/** Declares the whole suite for one backend. */
export function describeStore(name: string, makeFixture: () => Promise<StoreFixture>): void {
  const storeTest: StoreTest = (title, body) => {
    test(title, async () => {
      await using fixture = await makeFixture();
      await using store = await fixture.open();
      await body(store, fixture);
    });
  };
  describe(name, () => {
    nodesContract(storeTest);
    nodeManagementContract(storeTest);
    runsContract(storeTest);
    tasksContract(storeTest);
    pagingContract(storeTest);
    tokensContract(storeTest);
    usersContract(storeTest);
    rolesContract(storeTest);
    auditContract(storeTest);
    eventsContract(storeTest);
    eventUpkeepContract(storeTest);
    transactionsContract(storeTest);
    durabilityContract(storeTest);
  });
}
