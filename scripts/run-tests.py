#!/usr/bin/env python3
"""The test runner behind `make check`: unit tests, MPI tests at several rank counts, system tests.

unit/<module>/<x>     build/tests/<module>/test_x, serial (cmocka)
mpi/<module>/<x>@N    build/tests/<module>/mpi_x under mpirun with N ranks (cmocka; agreed facts only)
system/<x>, io/<x>    tests/system/test_x.sh or .py, tests/io likewise; exit 0 passes, 77 skips (the last line says why);
                      lines 'ok NAME', 'not ok NAME' and 'skip NAME: why' count as tests of their own.
                      '# timeout: SECONDS' and '# only: all' in the head of the file mean what they say.

Every program has its own timeout. Needs only Python's standard library."""
import argparse, os, re, signal, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MPI_RANKS = (1, 2, 3, 4, 7)
UNIT_TIMEOUT, MPI_TIMEOUT, SYSTEM_TIMEOUT = 120, 120, 240
SKIP_CODE = 77

MPI_ENVIRONMENT = {
    'OMPI_ALLOW_RUN_AS_ROOT': '1', 'OMPI_ALLOW_RUN_AS_ROOT_CONFIRM': '1',
    'OMPI_MCA_rmaps_base_oversubscribe': '1',  # more ranks than cores
    'OMPI_MCA_mpi_yield_when_idle': '1',       # without it an oversubscribed reduction takes 40 ms
    'OMPI_MCA_hwloc_base_binding_policy': 'none',
}


class Result:
    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped = name, [], [], []
        self.output, self.seconds = '', 0.0


def environment(options):
    env = dict(os.environ, **MPI_ENVIRONMENT)
    env['BUILD'] = str(options.build)
    env['SKEIN_SLOW'] = str(options.slow)
    if options.all:
        env['SKEIN_TEST_ALL'] = '1'
    env['SKEIN_SYSTEMS'] = str(Path(env.get('SKEIN_SYSTEMS') or ROOT.parent / 'shared' / 'systems').absolute())
    python = subprocess.run([ROOT / 'scripts' / 'find-python.sh'], stdout=subprocess.PIPE, text=True)
    env['PYTHON'] = python.stdout.strip() or sys.executable
    return env


def run(command, timeout, env, cwd):
    """Output and exit code; the whole process group is ended at the timeout (code None)."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env,
                                   cwd=cwd, start_new_session=True)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
            for kind, grace in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
                try:
                    os.killpg(process.pid, kind)
                    process.wait(grace)
                except ProcessLookupError:
                    break
                except subprocess.TimeoutExpired:
                    continue
            process.poll()
        out.seek(0)
        return out.read().decode('utf-8', 'replace'), code


def why(code, timeout):
    return 'no end after %d s' % timeout if code is None else 'exit code %d' % code


def judge_cmocka(result, code, timeout):
    """Cases by name: under mpirun every rank prints them, and one failure is a failure."""
    verdict = {}
    for state, case in re.findall(r'\[\s*(OK|FAILED|SKIPPED|ERROR)\s*\] ([A-Za-z_]\w*)', result.output):
        rank = {'OK': 0, 'SKIPPED': 1}.get(state, 2)
        verdict[case] = max(rank, verdict.get(case, 0))
    for case, rank in verdict.items():
        (result.passed, result.skipped, result.failed)[rank].append(case)
    if code != 0 and not result.failed:
        result.failed.append(why(code, timeout))
    elif code == 0 and not verdict:
        result.failed.append('ran no test')


def judge_system(result, code, timeout):
    for line in result.output.splitlines():
        match = re.match(r'(ok|not ok|skip) (.+)', line)
        if match:
            {'ok': result.passed, 'not ok': result.failed, 'skip': result.skipped}[match[1]].append(match[2])
    if code == SKIP_CODE:
        lines = result.output.strip().splitlines()
        result.skipped.append(lines[-1] if lines else 'no reason given')
    elif code != 0 and not result.failed:
        result.failed.append(why(code, timeout))
    elif code == 0 and not (result.passed or result.failed or result.skipped):
        result.passed.append('done')


def collect(options):
    """Groups of (name, command, timeout, judge): the first may run side by side, the others use all cores."""
    serial, alone = [], []
    unit = options.build / 'tests'
    for source in sorted((ROOT / 'tests').glob('*/*.c')):
        module, stem = source.parent.name, source.stem
        program = unit / module / stem
        if stem.startswith('test_'):
            serial.append(('unit/%s/%s' % (module, stem[5:]), [program], UNIT_TIMEOUT, judge_cmocka))
        elif stem.startswith('mpi_'):
            for n in MPI_RANKS:
                alone.append(('mpi/%s/%s@%d' % (module, stem[4:], n), ['mpirun', '-n', str(n), program], MPI_TIMEOUT,
                              judge_cmocka))
    scripts = [s for folder in ('io', 'system') for s in sorted((ROOT / 'tests' / folder).glob('test_*'))]
    for script in scripts:
        if script.suffix not in ('.sh', '.py'):
            continue
        head = script.read_text()[:2000]
        if re.search(r'^# only: all', head, re.M) and not options.all:
            continue
        limit = re.search(r'^# timeout: (\d+)(?: all: (\d+))?', head, re.M)
        timeout = int(limit[2] if options.all and limit[2] else limit[1]) if limit else SYSTEM_TIMEOUT
        start = ['bash', script] if script.suffix == '.sh' else [options.env['PYTHON'], script]
        alone.append(('%s/%s' % (script.parent.name, script.stem), start, timeout, judge_system))
    wanted = lambda item: re.search(options.filter, item[0])
    return list(filter(wanted, serial)), list(filter(wanted, alone))


def execute(item, options):
    name, command, timeout, judge = item
    result, start = Result(name), time.monotonic()
    with tempfile.TemporaryDirectory(prefix='skein-test-', ignore_cleanup_errors=True) as folder:
        # From the project's root; what a test writes goes to TMPDIR.
        env = dict(options.env, TMPDIR=folder)
        try:
            result.output, code = run([str(c) for c in command], timeout * options.slow, env, ROOT)
        except OSError as error:
            result.output, code = str(error), 127
    result.seconds = time.monotonic() - start
    judge(result, code, timeout * options.slow)
    state = 'FAIL' if result.failed else 'skip' if result.skipped and not result.passed else 'ok'
    print('%-4s %-44s %3d passed%s%s %6.1f s' % (
        state, name, len(result.passed), ', %d failed' % len(result.failed) if result.failed else '',
        ', %d skipped' % len(result.skipped) if result.skipped else '', result.seconds), flush=True)
    return result


def report(results, options):
    for result in results:
        if result.failed:
            lines = result.output.splitlines()
            cut = lines if len(lines) <= 120 else lines[:40] + ['... %d lines ...' % (len(lines) - 100)] + lines[-60:]
            print('\n==== %s: %s' % (result.name, '; '.join(result.failed)))
            print('\n'.join(cut))
    passed, failed, skipped = (sum(len(getattr(r, k)) for r in results) for k in ('passed', 'failed', 'skipped'))
    names = ['%s (%s)' % (r.name, s) for r in results for s in r.skipped]
    print()
    if options.no_skips and names:
        print('skips count as failures here: --no-skips')
    if not results:
        print('no test matches --filter %s' % options.filter)
    print('skipped: %s' % ('; '.join(names) if names else 'nothing'))
    print('%d passed, %d failed%s' % (passed, failed, ', %d skipped' % skipped if skipped else ''))
    return 1 if failed or passed == 0 or (options.no_skips and skipped) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=Path, default=ROOT / 'build', help='build folder (default: build)')
    parser.add_argument('--all', action='store_true', help='the long tests and the whole matrices too')
    parser.add_argument('--filter', default='', metavar='REGEX', help='only tests whose name matches')
    parser.add_argument('--jobs', type=int, default=2, help='serial tests side by side (default: 2)')
    parser.add_argument('--no-skips', action='store_true', help='a skipped test is a failure')
    parser.add_argument('--slow', type=int, default=1, metavar='FACTOR', help='multiply all timeouts (sanitizers)')
    options = parser.parse_args()
    options.build = options.build.absolute()
    options.env = environment(options)
    serial, alone = collect(options)
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        results = list(pool.map(lambda item: execute(item, options), serial))
    results += [execute(item, options) for item in alone]
    return report(results, options)


if __name__ == '__main__':
    sys.exit(main())
