import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { makeTrialFolder, makeTrialPlace, runShell, trialLimits } from './executor.contract.ts';
import type { Executor } from './executor.ts';

/** What every executor does with `homeFiles` and `pathFolders`. */
export function homeContract(make: (t: TestContext) => Executor): void {
  test('writes files of the home before the command starts, for its user alone', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const homeFiles = {
      '.agent/deep/er/config.toml': `a = "it's"\n\\n $HOME \`id\` %s\n\n`,
      '.agent/empty': '',
      '-rf': 'no newline',
      'with space/ü': 'ü\r\n',
    };
    const script =
      'cat ~/.agent/deep/er/config.toml ~/.agent/empty ~/-rf; cat ~/with*/ü; find ~ -mindepth 1 -printf "%P %m\\n" | sort';
    const { stdout, code } = await runShell(executor, place, script, { homeFiles });
    assert.equal(code, 0);
    assert.equal(
      stdout,
      `${Object.values(homeFiles).join('')}${[
        '-rf 600',
        '.agent 700',
        '.agent/deep 700',
        '.agent/deep/er 700',
        '.agent/deep/er/config.toml 600',
        '.agent/empty 600',
        'with space 700',
        'with space/ü 600',
      ].join('\n')}\n`,
    );
    assert.equal(lstatSync(join(place.home, '-rf')).uid, place.uid ?? process.getuid?.());
  });

  test('writes long files of the home too, and nothing of them where others could read it', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const line = `It's a line of "text" \\ with a bit of everything: $HOME, %s, ü.\n`;
    const content = line.repeat(Math.ceil(150_000 / line.length));
    const homeFiles = { one: content, two: content, three: content };
    const launch = await executor.launch(place, { argv: ['true'], env: {}, homeFiles }, trialLimits);
    await executor.release(launch);
    assert.doesNotMatch(JSON.stringify([launch.args, launch.env]), /bit of everything/);
    const { stdout, stderr } = await runShell(
      executor,
      place,
      'sha256sum ~/one ~/two ~/three | cut -c-64 | uniq -c; cat ~/two',
      { homeFiles },
    );
    assert.match(stdout, /^ *3 [0-9a-f]{64}\n/, stderr);
    assert.equal(stdout.slice(stdout.indexOf('\n') + 1), content);
  });

  test('removes a file of the home before the command starts, or the link in its place', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    await runShell(executor, place, 'mkdir ~/a; echo x >~/a/old; echo x >~/kept; ln -s kept ~/link', {});
    const homeFiles = { 'a/old': null, link: null, 'none/there': null };
    const { stdout } = await runShell(executor, place, 'cd; find . -mindepth 1 | sort', { homeFiles });
    assert.equal(stdout, './a\n./kept\n');
  });

  test('puts a file of the home in the place of what is there, and follows no link', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const outside = join(makeTrialFolder(t), 'outside');
    writeFileSync(outside, 'ours', { mode: 0o666 });
    const prepared = await runShell(
      executor,
      place,
      `cd; ln -s ${outside} link; ln -s ${place.treeInside} linked; mkdir folder; echo x >folder/x; echo old >plain; chmod 444 plain; ln -s /nowhere dangling`,
    );
    assert.equal(prepared.code, 0, prepared.stderr);
    const homeFiles = { link: 'a', 'linked/file': 'b', folder: 'c', plain: 'd', 'dangling/file': 'e' };
    const { stdout, stderr } = await runShell(
      executor,
      place,
      'cd; cat link linked/file folder plain dangling/file; find . -type l; ls -A /workspace 2>/dev/null',
      { homeFiles },
    );
    assert.equal(stdout, 'abcde', stderr);
    assert.equal(readFileSync(outside, 'utf8'), 'ours');
    assert.throws(() => lstatSync(join(place.tree, 'file')), /ENOENT/);
  });

  test('refuses a file outside of the home', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    for (const path of ['', '.', '..', '/etc/x', '../x', 'a/../../x', 'a//b', 'a/', './a', 'a\0b']) {
      const command = { argv: ['true'], env: {}, homeFiles: { [path]: '' } } as const;
      await assert.rejects(executor.launch(place, command, trialLimits), TypeError, path);
    }
    const nul = { argv: ['true'], env: {}, homeFiles: { file: 'a\0b' } } as const;
    await assert.rejects(executor.launch(place, nul, trialLimits), /NUL/);
  });

  test('finds programs of further folders behind those of the system', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const folder = join(makeTrialFolder(t), 'bin');
    mkdirSync(folder);
    for (const name of ['stand-in', 'cat']) {
      writeFileSync(join(folder, name), '#!/bin/sh\necho "$0"\n', { mode: 0o755 });
    }
    const { stdout } = await runShell(executor, place, 'stand-in; echo kept | cat; echo "$PATH"', {
      readOnly: [folder],
      pathFolders: [folder],
    });
    assert.equal(stdout, `${folder}/stand-in\nkept\n/usr/local/bin:/usr/bin:/bin:${folder}\n`);
    const colon = { argv: ['true'], env: {}, pathFolders: [`${dirname(folder)}:/x`] } as const;
    await assert.rejects(executor.launch(place, colon, trialLimits), /colon/);
  });
}
