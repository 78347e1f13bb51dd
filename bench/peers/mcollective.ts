/**
 * An MCollective of our own over RabbitMQ (STOMP), all on the loopback of this machine: a broker, a server for each node, and the
 * smallest agent that runs a command, since Debian ships none.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cgroup } from '#bench/measure/cgroup.ts';
import { checkInstalled, startDaemon, untilAnswers } from './daemons.ts';

const brokerPort = 61_613;
const erlangPort = 25_772;
const nameServerPort = 4_469;

/** A running one. Disposing of it ends it. */
export interface Mcollective extends AsyncDisposable {
  /** Of its daemons; what runs in it as a client is counted with them. */
  readonly cgroup: Cgroup;
  /** For `mco --config`. */
  readonly configuration: string;
}

/** Starts one with nodes n1 … nN and its files in `directory`. @throws SkippedError where there is none, or no cgroup. */
export async function startMcollective(directory: string, nodes: number): Promise<Mcollective> {
  checkInstalled('/usr/sbin/rabbitmq-server', '/usr/sbin/mcollectived', '/usr/bin/mco');
  const cgroup = Cgroup.create('mcollective');
  startBroker(cgroup, directory);
  writeAgent(directory);
  const configuration = join(directory, 'client.cfg');
  writeFileSync(configuration, `${settings(directory)}logger_type = console\n`);
  await untilAnswers(['bash', '-c', `: > /dev/tcp/127.0.0.1/${brokerPort}`]);
  for (let i = 1; i <= nodes; i++) {
    const file = join(directory, `n${i}.cfg`);
    const own = `identity = n${i}\ndaemonize = 0\nlogger_type = file\nlogfile = ${join(directory, `n${i}.log`)}\n`;
    writeFileSync(file, settings(directory) + own);
    startDaemon(cgroup, ['mcollectived', '--no-daemonize', '--config', file]);
  }
  const ping = ['mco', 'ping', '--config', configuration] as const;
  await untilAnswers(ping, {}, (printed) => printed.match(/time=/g)?.length === nodes);
  return { cgroup, configuration, [Symbol.asyncDispose]: () => cgroup[Symbol.asyncDispose]() };
}

function startBroker(cgroup: Cgroup, directory: string): void {
  const at = (name: string) => join(directory, name);
  for (const place of ['broker-log', 'database']) mkdirSync(at(place));
  writeFileSync(at('plugins'), '[rabbitmq_stomp].\n');
  writeFileSync(
    at('rabbitmq.conf'),
    `listeners.tcp = none
stomp.listeners.tcp.1 = 127.0.0.1:${brokerPort}
load_definitions = ${at('definitions.json')}
log.file.level = error
log.console = false
`,
  );
  writeFileSync(at('definitions.json'), JSON.stringify(definitions()));
  startDaemon(cgroup, ['/usr/lib/rabbitmq/bin/rabbitmq-server'], {
    HOME: directory,
    RABBITMQ_NODENAME: 'bench@localhost',
    RABBITMQ_MNESIA_BASE: at('database'),
    RABBITMQ_LOG_BASE: at('broker-log'),
    RABBITMQ_CONFIG_FILE: at('rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: at('plugins'),
    RABBITMQ_PID_FILE: at('rabbitmq.pid'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_DIST_PORT: `${erlangPort}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: `${nameServerPort}`,
  });
}

function definitions(): object {
  const vhost = '/mcollective';
  const exchange = (name: string, type: string) => {
    return { name, vhost, type, durable: true, auto_delete: false, internal: false, arguments: {} };
  };
  return {
    users: [{ name: 'bench', password: 'bench', tags: ['administrator'], limits: {} }],
    vhosts: [{ name: vhost }],
    permissions: [{ user: 'bench', vhost, configure: '.*', write: '.*', read: '.*' }],
    exchanges: [
      exchange('mcollective_broadcast', 'topic'),
      exchange('mcollective_directed', 'direct'),
      exchange('mcollective_reply', 'direct'),
    ],
    queues: [],
    bindings: [],
  };
}

function settings(directory: string): string {
  return `main_collective = mcollective
collectives = mcollective
libdir = ${directory}:/usr/share/mcollective/plugins
loglevel = error
securityprovider = psk
plugin.psk = bench
connector = rabbitmq
direct_addressing = 1
plugin.rabbitmq.vhost = /mcollective
plugin.rabbitmq.pool.size = 1
plugin.rabbitmq.pool.1.host = 127.0.0.1
plugin.rabbitmq.pool.1.port = ${brokerPort}
plugin.rabbitmq.pool.1.user = bench
plugin.rabbitmq.pool.1.password = bench
factsource = yaml
plugin.yaml = ${join(directory, 'facts.yaml')}
`;
}

function writeAgent(directory: string): void {
  const place = join(directory, 'mcollective', 'agent');
  mkdirSync(place, { recursive: true });
  writeFileSync(join(directory, 'facts.yaml'), '--- {}\n');
  // Not by MCollective's own run(), which fails with Ruby 3.1.
  writeFileSync(
    join(place, 'bench.rb'),
    `require 'open3'
module MCollective
  module Agent
    class Bench < RPC::Agent
      action 'run' do
        out, err, status = Open3.capture3(request[:command])
        reply[:out], reply[:err], reply[:code] = out, err, status.exitstatus
      end
    end
  end
end
`,
  );
  const output = (name: string) => `  output :${name}, :description => '${name}', :display_as => '${name}'\n`;
  writeFileSync(
    join(place, 'bench.ddl'),
    `metadata :name => 'bench', :description => 'runs a command', :author => 'bench', :license => 'none', :version => '1',
  :url => 'http://localhost', :timeout => 60
action 'run', :description => 'runs a command' do
  display :always
  input :command, :prompt => 'Command', :description => 'command', :type => :string, :validation => '.',
    :optional => false, :maxlength => 1000
${['out', 'err', 'code'].map(output).join('')}end
`,
  );
}
