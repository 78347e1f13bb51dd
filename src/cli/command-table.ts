/**
 * Every command, once: the command line, the prompt, help, completion and the man page come from here.
 * Bodies are imported when they are called, so that none pays for another. Which of them the prompt takes: shell/prompt-words.ts.
 */
import { type Command, command } from './command.ts';
import {
  createRoleSyntax,
  createUserSyntax,
  createUserTokenSyntax,
  disableUserSyntax,
  enableUserSyntax,
  explainAccessSyntax,
  grantRolesSyntax,
  listRolesSyntax,
  listUsersSyntax,
  listUserTokensSyntax,
  removeRoleSyntax,
  removeUserSyntax,
  revokeRolesSyntax,
  revokeUserTokenSyntax,
  showRoleSyntax,
  whoAmISyntax,
} from './syntax/access-syntax.ts';
import { auditSyntax, exportAuditSyntax, verifyAuditSyntax } from './syntax/audit-syntax.ts';
import { exportCaSyntax, showCaSyntax } from './syntax/ca-syntax.ts';
import {
  createTokenSyntax,
  helpSyntax,
  listTokensSyntax,
  nodesSyntax,
  revokeTokenSyntax,
  shellSyntax,
  shutdownSyntax,
  upSyntax,
  versionSyntax,
} from './syntax/cluster-syntax.ts';
import { eventsSyntax } from './syntax/event-syntax.ts';
import {
  catFileSyntax,
  cpSyntax,
  headFileSyntax,
  listFilesSyntax,
  makeDirectoriesSyntax,
  moveFileSyntax,
  rmSyntax,
  statFilesSyntax,
  tailFileSyntax,
} from './syntax/file-syntax.ts';
import { attachSyntax, execSyntax } from './syntax/line-syntax.ts';
import { listContextsSyntax, loginSyntax, logoutSyntax, useContextSyntax } from './syntax/login-syntax.ts';
import {
  drainNodesSyntax,
  labelNodesSyntax,
  removeNodesSyntax,
  resumeNodesSyntax,
  showNodeSyntax,
} from './syntax/node-syntax.ts';
import { rerunSyntax, runSyntax } from './syntax/run-syntax.ts';
import {
  inspectSyntax,
  killSyntax,
  logsSyntax,
  psSyntax,
  stopSyntax,
  usageSyntax,
  waitSyntax,
} from './syntax/task-syntax.ts';
import { completeSyntax, completionSyntax, nodesetSyntax } from './syntax/tool-syntax.ts';
import { topSyntax } from './syntax/top-syntax.ts';

const forPrograms = { hidden: true } as const;

/** In the order of `drover help`. */
export const commandTable: readonly Command[] = [
  command(upSyntax, async () => (await import('./commands/up.ts')).up),
  command(runSyntax, async () => (await import('./commands/run.ts')).run),
  command(rerunSyntax, async () => (await import('./commands/rerun.ts')).rerun),
  command(execSyntax, async () => (await import('./commands/exec.ts')).exec),
  command(attachSyntax, async () => (await import('./commands/attach.ts')).attach),
  command(psSyntax, async () => (await import('./commands/ps.ts')).ps),
  command(logsSyntax, async () => (await import('./commands/logs.ts')).logs),
  command(waitSyntax, async () => (await import('./commands/wait.ts')).wait),
  command(inspectSyntax, async () => (await import('./commands/inspect.ts')).inspect),
  command(killSyntax, async () => (await import('./commands/kill.ts')).kill),
  command(stopSyntax, async () => (await import('./commands/stop.ts')).stop),
  command(usageSyntax, async () => (await import('./commands/usage.ts')).usage),
  command(topSyntax, async () => (await import('./commands/top.ts')).top),
  command(cpSyntax, async () => (await import('./commands/cp.ts')).cp),
  command(rmSyntax, async () => (await import('./commands/rm.ts')).rm),
  command(listFilesSyntax, async () => (await import('./commands/file-ls.ts')).listFiles),
  command(catFileSyntax, async () => (await import('./commands/file-cat.ts')).catFile),
  command(headFileSyntax, async () => (await import('./commands/file-cat.ts')).headFile),
  command(tailFileSyntax, async () => (await import('./commands/file-cat.ts')).tailFile),
  command(makeDirectoriesSyntax, async () => (await import('./commands/file-mkdir.ts')).makeDirectories),
  command(moveFileSyntax, async () => (await import('./commands/file-mv.ts')).moveFile),
  command(statFilesSyntax, async () => (await import('./commands/file-ls.ts')).statFiles),
  command(eventsSyntax, async () => (await import('./commands/events.ts')).events),
  command(auditSyntax, async () => (await import('./commands/audit.ts')).audit),
  command(exportAuditSyntax, async () => (await import('./commands/export-audit.ts')).exportAudit),
  command(verifyAuditSyntax, async () => (await import('./commands/verify-audit.ts')).verifyAudit),
  command(nodesSyntax, async () => (await import('./commands/nodes.ts')).nodes),
  command(showNodeSyntax, async () => (await import('./commands/show-node.ts')).showNode),
  command(labelNodesSyntax, async () => (await import('./commands/label-nodes.ts')).labelNodes),
  command(drainNodesSyntax, async () => (await import('./commands/drain-nodes.ts')).drainNodes),
  command(resumeNodesSyntax, async () => (await import('./commands/drain-nodes.ts')).resumeNodes),
  command(removeNodesSyntax, async () => (await import('./commands/remove-nodes.ts')).removeNodes),
  command(nodesetSyntax, async () => (await import('./commands/nodeset.ts')).nodeset),
  command(createTokenSyntax, async () => (await import('./commands/create-token.ts')).createToken),
  command(listTokensSyntax, async () => (await import('./commands/list-tokens.ts')).listTokens),
  command(revokeTokenSyntax, async () => (await import('./commands/revoke-token.ts')).revokeToken),
  command(loginSyntax, async () => (await import('./commands/login.ts')).login),
  command(logoutSyntax, async () => (await import('./commands/logout.ts')).logout),
  command(showCaSyntax, async () => (await import('./commands/ca.ts')).showCa),
  command(exportCaSyntax, async () => (await import('./commands/ca.ts')).exportCa),
  command(listContextsSyntax, async () => (await import('./commands/contexts.ts')).listContexts),
  command(useContextSyntax, async () => (await import('./commands/contexts.ts')).useContext),
  command(whoAmISyntax, async () => (await import('./commands/whoami.ts')).whoAmI),
  command(createUserSyntax, async () => (await import('./commands/change-user.ts')).createUser),
  command(listUsersSyntax, async () => (await import('./commands/list-users.ts')).listUsers),
  command(grantRolesSyntax, async () => (await import('./commands/change-user.ts')).grantRoles),
  command(revokeRolesSyntax, async () => (await import('./commands/change-user.ts')).revokeRoles),
  command(disableUserSyntax, async () => (await import('./commands/change-user.ts')).disableUser),
  command(enableUserSyntax, async () => (await import('./commands/change-user.ts')).enableUser),
  command(removeUserSyntax, async () => (await import('./commands/change-user.ts')).removeUser),
  command(createRoleSyntax, async () => (await import('./commands/manage-roles.ts')).createRole),
  command(listRolesSyntax, async () => (await import('./commands/list-roles.ts')).listRoles),
  command(showRoleSyntax, async () => (await import('./commands/manage-roles.ts')).showRole),
  command(removeRoleSyntax, async () => (await import('./commands/manage-roles.ts')).removeRole),
  command(createUserTokenSyntax, async () => (await import('./commands/user-tokens.ts')).createUserToken),
  command(listUserTokensSyntax, async () => (await import('./commands/user-tokens.ts')).listUserTokens),
  command(revokeUserTokenSyntax, async () => (await import('./commands/user-tokens.ts')).revokeUserToken),
  command(explainAccessSyntax, async () => (await import('./commands/explain-access.ts')).explainAccess),
  command(shutdownSyntax, async () => (await import('./commands/shutdown.ts')).shutdown),
  command(shellSyntax, async () => (await import('./commands/shell.ts')).shell),
  command(completionSyntax, async () => (await import('./commands/completion.ts')).completion),
  command(completeSyntax, async () => (await import('./commands/complete.ts')).complete, forPrograms),
  command(versionSyntax, async () => (await import('./commands/version.ts')).version),
  command(helpSyntax, async () => (await import('./commands/help.ts')).help),
];
