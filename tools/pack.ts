/**
 * `npm run pack`: makes drover-<version>-linux-<arch>.tgz, which runs on another machine with nothing but glibc:
 * bundled JavaScript, the supervisor, the launcher, the manual and Node.js itself. `npm i -g` of it or unpacking it both work.
 * It is written here, or into the directory that is named.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build as esbuild, type Metafile } from 'esbuild';
import { installationRoot, supervisorPath, version } from '#base/installation.ts';

const arch = process.arch;
const name = `drover-${version}-linux-${arch}`;
const build = join(installationRoot, '.build');
mkdirSync(build, { recursive: true });
const stage = join(mkdtempSync(join(build, 'pack-')), 'package');
const target = join(resolve(process.argv[2] ?? installationRoot), `${name}.tgz`);

try {
  mkdirSync(stage);
  const metafile = await bundle();
  copyPrograms();
  writeManual();
  writePackageJson();
  writeFileSync(join(stage, 'THIRD_PARTY_LICENSES'), licenses(metafile));
  execFileSync('tar', [
    '-czf',
    target,
    '--owner=0',
    '--group=0',
    '--sort=name',
    '-C',
    dirname(stage),
    'package',
  ]);
  console.log(target);
} finally {
  rmSync(dirname(stage), { recursive: true, force: true });
}

async function bundle(): Promise<Metafile> {
  const result = await esbuild({
    absWorkingDir: installationRoot,
    entryPoints: { cli: 'src/cli/main.ts', controller: 'src/controller/main.ts', agent: 'src/agent/main.ts' },
    outdir: join(stage, 'lib'),
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    metafile: true,
    logLevel: 'warning',
    // CommonJS dependencies ask for Node's modules by require.
    banner: {
      js: "import{createRequire as __require}from'node:module';const require=__require(import.meta.url);",
    },
  });
  return result.metafile;
}

function copyPrograms(): void {
  for (const launcher of ['drover', 'drover-node'])
    copyExecutable(join('bin', launcher), join('bin', launcher));
  copyExecutable(supervisorPath().slice(installationRoot.length + 1), 'libexec/drover-supervisor');
  const node = join('node_modules', `node-linux-${arch}`);
  copyExecutable(join(node, 'bin/node'), 'node/bin/node');
  cpSync(join(installationRoot, node, 'LICENSE'), join(stage, 'node/LICENSE'));
  for (const text of ['README.md', 'LICENSE', 'CHANGELOG.md'])
    cpSync(join(installationRoot, text), join(stage, text));
}

/** The manual and the completions, where systems look for them beneath /usr. */
function writeManual(): void {
  for (const [path, ...args] of [
    ['share/man/man1/drover.1', 'help', '--man'],
    ['share/bash-completion/completions/drover', 'completion', 'bash'],
    ['share/zsh/site-functions/_drover', 'completion', 'zsh'],
    ['share/fish/vendor_completions.d/drover.fish', 'completion', 'fish'],
  ] as const) {
    const target = join(stage, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, execFileSync(join(installationRoot, 'bin/drover'), args));
  }
}

function copyExecutable(from: string, to: string): void {
  const path = join(stage, to);
  mkdirSync(dirname(path), { recursive: true });
  cpSync(join(installationRoot, from), path);
  chmodSync(path, 0o755);
}

function writePackageJson(): void {
  const own = JSON.parse(readFileSync(join(installationRoot, 'package.json'), 'utf8'));
  const { description, license } = own;
  const man = ['share/man/man1/drover.1'];
  const manifest = { name: 'drover', version, description, license, type: 'module', bin: own.bin, man };
  writeFileSync(
    join(stage, 'package.json'),
    JSON.stringify({ ...manifest, os: ['linux'], cpu: [arch] }, null, 2),
  );
}

/** The licences of every package that the bundle contains. */
function licenses(meta: Metafile): string {
  const packages = new Set<string>();
  for (const input of Object.keys(meta.inputs)) {
    const match = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match?.[1]) packages.add(match[1]);
  }
  return [...packages].sort().map(licenseOf).join('\n');
}

function licenseOf(packageName: string): string {
  const folder = join(installationRoot, 'node_modules', packageName);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'LICENCE'].find((f) =>
    existsSync(join(folder, f)),
  );
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `Licence: ${manifest.license}`;
  return `== ${packageName} ${manifest.version} (${manifest.license})\n\n${text}\n`;
}
