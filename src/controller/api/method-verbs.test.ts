import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NodeService } from '#protocol/gen/drover/v1/api_pb.ts';
import { AgentLinkService } from '#protocol/gen/drover/v1/link_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { apiServices } from './api-server.ts';
import { MissingVerbError, requireVerbs, verbOf } from './method-verbs.ts';

it('requireVerbs() is content with the API', () => {
  requireVerbs(apiServices);
});

it('requireVerbs() refuses a service with a method that declares no verb', () => {
  assert.throws(
    () => requireVerbs([NodeService, AgentLinkService]),
    new MissingVerbError('drover.v1.AgentLinkService/Session declares no verb'),
  );
});

it('verbOf() reads the verb from the schema', () => {
  assert.equal(verbOf(NodeService.method.getNode), Verb.NODE_READ);
});
