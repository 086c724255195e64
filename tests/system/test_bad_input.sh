#!/bin/bash
# timeout: 300 all: 1800
# Truncated, contradictory and mangled input: code 1, one message with file and line, no hang, no crash.
. "$(dirname "$0")/lib.sh"
use_water
use_tiny
LIMIT=30
export OMPI_MCA_ess_singleton_isolated=1 # starts faster without mpirun: hundreds of starts here
head -n 302 water.gro | sed '2s/.*/300/' > small.gro
tail -n 1 water.gro >> small.gro
sed 's/^SOL  1000/SOL  100/' water.top > small.top
sed 's/water\.gro/small.gro/; s/water\.top/small.top/; s/water\.ckpt/small.ckpt/' water.ini > small.ini
sed 's/snap-4k/tiny/' tiny.ini > t && mv t tiny.ini
skein_alone check small.ini
claim 'the good water' test $code -eq 0
skein_alone check tiny.ini
claim 'the good data file' test $code -eq 0

# refused NAME PATTERN: the run file bad.ini must be refused with a message that matches, printed once.
refused() {
    skein_alone check bad.ini
    if [ $code -ne 1 ]; then not_ok "$1: code $code"; return; fi
    if ! said "$2"; then not_ok "$1: message"; return; fi
    if said 'sanitizer|runtime error|LeakSan'; then not_ok "$1: sanitizer"; return; fi
    ok "$1"
}
# ini NAME PATTERN SED-SCRIPT: small.ini changed.
ini() { sed "$3" small.ini > bad.ini; refused "run file: $1" "$2"; }
line() { grep -n "$1" small.ini | head -n 1 | cut -d: -f1; }
cutoff=$(line '^cutoff_nm') steps=$(line '^steps') seed=$(line '^seed')
ini 'unknown key, nearest named' "bad\.ini:$cutoff:.*cutoff_nm" 's/^cutoff_nm/cutof_nm/'
ini 'unknown section' 'bad\.ini:[0-9]+:.*(domain)' 's/^\[domain\]/[domian]/'
ini 'unknown value, nearest named' 'bad\.ini:[0-9]+:.*hilbert' 's/^curve = .*/curve = hilber/'
ini 'not a number' "bad\.ini:$cutoff:" 's/^cutoff_nm = .*/cutoff_nm = long/'
ini 'trailing text after a number' "bad\.ini:$cutoff:" 's/^cutoff_nm = .*/cutoff_nm = 0.9x/'
ini 'negative steps' "bad\.ini:$steps:" 's/^steps = .*/steps = -1/'
ini 'too large for an integer' "bad\.ini:$steps:" 's/^steps = .*/steps = 99999999999999999999/'
ini 'infinite' "bad\.ini:$cutoff:" 's/^cutoff_nm = .*/cutoff_nm = inf/'
ini 'NaN' 'bad\.ini:[0-9]+:' 's/^dt_ps = .*/dt_ps = nan/'
ini 'zero time step' 'bad\.ini:[0-9]+:' 's/^dt_ps = .*/dt_ps = 0/'
ini 'a key twice' "bad\.ini:$((seed + 1)):.*seed" 's/^seed = .*/&\nseed = 2/'
ini 'a key before any section' 'bad\.ini:1:' '1i steps = 5'
ini 'no equals sign' "bad\.ini:$seed:" 's/^seed = .*/seed 1/'
ini 'an unclosed section' 'bad\.ini:[0-9]+:' 's/^\[run\]/[run/'
ini 'no structure' 'structure' '/^structure/d'
ini 'no topology' 'topology' '/^topology/d'
ini 'an absent structure file' 'absent\.gro' 's/small.gro/absent.gro/'
ini 'an absent topology' 'absent\.top' 's/small.top/absent.top/'
ini 'cutoff beyond half the box' 'cutoff|box' 's/^cutoff_nm = .*/cutoff_nm = 1.6/'
ini 'both structure and data' 'both.*data' 's/^topology.*/&\ndata = tiny.data\nunits = real/'
ini 'bad replicate' 'bad\.ini:[0-9]+:.*replicate|replicate' 's/^topology.*/&\nreplicate = 2x0x2/'
ini 'reduced key in real units' 'bad\.ini:[0-9]+:' 's/^dt_ps/dt/'
ini 'a folder for a structure' '.' 's/small.gro/./'
awk -v n="$seed" 'NR == n { printf "seed = 1"; for (i = 0; i < 9000; i++) printf " "; print "" ; next } { print }' small.ini > bad.ini
refused 'run file: a long line' "bad\.ini:$seed:"
{ head -n 3 small.ini; printf 'topo\000logy = small.top\n'; tail -n +4 small.ini; } > bad.ini
refused 'run file: a NUL' 'bad\.ini:4:'
: > bad.ini
refused 'run file: empty' '.'

# gro NAME PATTERN SED-SCRIPT: small.gro changed.
gro() {
    sed "$3" small.gro > bad.gro
    sed 's/small\.gro/bad.gro/' small.ini > bad.ini
    refused ".gro: $1" "$2"
}
gro 'truncated' 'bad\.gro' '100,$d'
gro 'no box' 'bad\.gro' '$d'
gro 'count too large' 'bad\.gro' '2s/.*/9000/'
gro 'count too small' 'bad\.gro' '2s/.*/297/'
gro 'count negative' 'bad\.gro:2' '2s/.*/-3/'
gro 'count no number' 'bad\.gro:2' '2s/.*/many/'
gro 'a coordinate no number' 'bad\.gro:10' '10s/\.[0-9]/.x/2'
gro 'a line cut short' 'bad\.gro:10' '10s/^\(.\{30\}\).*/\1/'
gro 'NaN' 'bad\.gro:10' '10s/^\(.\{20\}\).\{13\}/\1          nan/'
gro 'a box turned away, refused clearly' 'standard orientation' '$s/$/ 0.0 0.1 1.0 0.0 0.5 0.5/'
gro 'a box edge of zero' 'bad\.gro' '$s/.*/3.1 0.0 3.1/'
gro 'a negative box' 'bad\.gro' '$s/.*/3.1 -3.1 3.1/'
gro 'other atoms than the topology' 'bad\.gro|atom' '4s/HW1/CA /'
gro 'empty' 'bad\.gro' 'd'

# top NAME PATTERN SED-SCRIPT: small.top changed.
top() {
    sed "$3" small.top > bad.top
    sed 's/small\.top/bad.top/' small.ini > bad.ini
    refused ".top: $1" "$2"
}
at() { grep -n "$1" small.top | head -n 1 | cut -d: -f1; }
top 'an absent include' 'bad\.top:1:.*nowhere\.itp' '1i #include "nowhere.itp"'
top 'an include of itself' 'bad\.top' '1i #include "bad.top"'
top 'ifdef without endif' 'bad\.top' '1i #ifdef A'
top 'endif without ifdef' 'bad\.top:1' '1i #endif'
top 'an unknown directive' 'bad\.top:[0-9]+' 's/^\[ settles \]/[ setles ]/'
top 'bonded terms of a later step, by name' 'bad\.top:[0-9]+.*dihedrals|dihedrals' 's/^\[ exclusions \]/[ dihedrals ]\n1 2 3 1 9 0.0 1.0 2\n\n&/'
top 'an unknown atom type' "bad\.top:$(at '  1   OW_spc').*OW_xyz" 's/^  1   OW_spc/  1   OW_xyz/'
top 'a parameter missing' "bad\.top:$(at '^OW_spc')" 's/^\(OW_spc.*\)  6\.50629e-01/\1/'
top 'a parameter no number' "bad\.top:$(at '^OW_spc')" 's/6\.50629e-01/abc/'
top 'an unsupported function type' 'bad\.top:[0-9]+' 's/^1         2          yes/2         2          yes/'
top 'an unknown molecule' 'bad\.top:[0-9]+.*SOX' 's/^SOL  100/SOX  100/'
top 'molecules that do not match the structure' 'small\.gro|bad\.top' 's/^SOL  100/SOL  99/'
top 'a negative count' 'bad\.top:[0-9]+' 's/^SOL  100/SOL  -100/'
top 'an exclusion of an atom that is not there' 'bad\.top:[0-9]+' 's/^3  1  2/3  1  4/'
top 'atoms out of order' 'bad\.top:[0-9]+' 's/^  2   HW_spc/  5   HW_spc/'
top 'no molecules' 'bad\.top' '/^\[ molecules/,$d'
top 'truncated' 'bad\.top' '12,$d'
top 'settles with other geometry than three sites' 'bad\.top:[0-9]+' 's/^1  *1  *0.1  *0.16330/1 1 0.1 0.3/'
top 'a bond of an atom that is not there' "bad\.top:$(($(at '^\[ exclusions') + 1)):.*atom 9" 's/^\[ exclusions \]/[ bonds ]\n1 9 1 0.1 1000\n\n&/'
top 'a bond of a function that is not computed' "bad\.top:$(($(at '^\[ exclusions') + 1)):.*function 4" 's/^\[ exclusions \]/[ bonds ]\n1 2 4 0.1 1000 2\n\n&/'
top 'distance restraints, by name' 'distance_restraints' 's/^\[ exclusions \]/[ distance_restraints ]\n1 2 1 0 1 0.1 0.2 0.3 1\n\n&/'
top 'position restraints of a function that is not computed' "bad\.top:$(($(at '^\[ exclusions') + 1)):.*function: .3. is not" 's/^\[ exclusions \]/[ position_restraints ]\n1 3 1000 1000 1000\n\n&/'
top 'a bond without a length' "bad\.top:$(($(at '^\[ exclusions') + 1)):.*constrainttypes" 's/^\[ exclusions \]/[ constraints ]\n1 2 1\n\n&/'
top 'a constraint of a rigid water' "bad\.top:$(($(at '^\[ exclusions') + 1)):.*settles" 's/^\[ exclusions \]/[ constraints ]\n1 2 1 0.1\n\n&/'
top 'a virtual site of an atom that has a mass' 'virtual_sites3' 's/^\[ exclusions \]/[ virtual_sites3 ]\n1 2 3 1 1 0.1 0.1\n\n&/'

# data NAME PATTERN SED-SCRIPT: tiny.data changed.
data() {
    sed "$3" tiny.data > bad.data
    sed 's/tiny\.data/bad.data/' tiny.ini > bad.ini
    refused "data file: $1" "$2"
}
data 'truncated' 'bad\.data' '60,$d'
data 'count too large' 'bad\.data' 's/^216 atoms/217 atoms/'
data 'count too small' 'bad\.data' 's/^216 atoms/215 atoms/'
data 'no box' 'bad\.data' '/xhi/d'
data 'a box upside down' 'bad\.data:[0-9]+' 's/^0 6.6 xlo/6.6 0 xlo/'
data 'an id twice' 'bad\.data(:[0-9]+)?' 's/^7 1 /6 1 /'
data 'an id of zero' 'bad\.data:[0-9]+' 's/^7 1 /0 1 /'
data 'a type out of range' 'bad\.data:[0-9]+' 's/^7 1 /7 2 /'
data 'a coordinate no number' 'bad\.data:[0-9]+' 's/^7 1 [^ ]*/7 1 x/'
data 'an unknown section' 'bad\.data:[0-9]+.*Massses' 's/^Masses/Massses/'
data 'a tilt that is no number' 'tilt factor' 's/zlo zhi/&\n0.1 x 0 xy xz yz/'
data 'no masses' 'bad\.data|mass' '/^Masses/,/^1 1$/d'
data 'bonds counted, but none there' 'bad\.data.*Bonds' 's/^216 atoms/&\n1 bonds\n1 bond types/'
data 'bonds not counted' "bad\.data:$(grep -n '^Masses' tiny.data | cut -d: -f1):.*N bonds" 's/^Masses/Bonds\n\n1 1 1 2\n\n&/'
data 'bonds without coefficients' 'bad\.data:[0-9]+:.*bond_coeff' 's/^216 atoms/&\n1 bonds\n1 bond types/; s/^Masses/Bonds\n\n1 1 1 2\n\n&/'
data 'angles counted, but none there' 'bad\.data.*Angles' 's/^216 atoms/&\n1 angles\n1 angle types/'
data 'a hybrid style, by name' 'bad\.data:[0-9]+:.*hybrid' 's/^216 atoms/&\n1 bonds\n1 bond types/; s/^Masses/Bond Coeffs # hybrid\n\n1 harmonic 1 1\n\n&/'
sed 's/tiny\.data/tiny.data/; /^units/d' tiny.ini > bad.ini
refused 'data file: units not said' 'units|unit;'
sed '/^pair_coeff/d' tiny.ini > bad.ini
refused 'data file: no pair coefficients' 'pair'

# On several ranks: said once, no hang.
sed 's/^seed = .*/seed = x/' small.ini > bad.ini
skein 3 run bad.ini
claim 'three ranks: code 1' test $code -eq 1
claim 'three ranks: said once' test "$(grep -c "bad\.ini:$seed" err)" -eq 1

# Atoms on top of each other: the forces are not finite; step, atoms and force are named.
sed -n 3p small.gro | cut -c21- > place
awk -v place="$(cat place)" 'NR == 6 { print substr($0, 1, 20) place; next } { print }' small.gro > overlap.gro
sed 's/small\.gro/overlap.gro/; s/small\.ckpt/overlap.ckpt/' small.ini > overlap.ini
skein 2 run overlap.ini --steps 5
claim 'atoms on top of each other: code 2' test $code -eq 2
claim 'step and atoms are named' said 'step.*atom|atom.*step'
claim 'no checkpoint of a broken state' test ! -e overlap.ckpt.h5

# Mangled bytes: any verdict but a crash or a hang. The generator is fixed, so a failure can be repeated.
rounds=${SKEIN_TEST_ALL:+200}
"$PYTHON" - "${rounds:-20}" "$SKEIN" "$SLOW" << 'PY'
import random, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
rounds, skein, slow = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sources = {'ini': 'small.ini', 'gro': 'small.gro', 'top': 'small.top', 'data': 'tiny.data'}

def mangle(text, source):
    for _ in range(source.choice((1, 1, 3, 20))):
        at = source.randrange(len(text))
        what = source.randrange(4)
        if what == 0: text[at] = source.randrange(256)
        elif what == 1: del text[at:at + source.randrange(1, 40)]
        elif what == 2: text[at:at] = text[at:at + source.randrange(1, 40)]
        else: text[at:at] = source.choice((b'-', b'9' * 30, b'\n', b'[', b'#', b'1e999', b'nan', b'"'))
        text = text or bytearray(b'x')
    return text

def one(job):
    kind, k = job
    name = 'mangled-%s-%d' % job
    open(name, 'wb').write(mangle(bytearray(open(sources[kind], 'rb').read()), random.Random('%s %d' % job)))
    run = name
    if kind != 'ini':
        run = name + '.ini'
        base = open('tiny.ini' if kind == 'data' else 'small.ini').read()
        open(run, 'w').write(base.replace(sources[kind], name))
    try:
        p = subprocess.run([skein, 'check', run], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=60 * slow)
        code, told = p.returncode, p.stderr
    except subprocess.TimeoutExpired:
        code, told = 'no end', b''
    good = code in (0, 1) and b'anitizer' not in told and (code == 0 or told.strip())
    if not good:
        print('%s: code %s\n%s' % (name, code, told[-800:].decode('latin1')))
    return not good

with ThreadPoolExecutor(4) as pool:
    bad = sum(pool.map(one, [(kind, k) for kind in sources for k in range(rounds)]))
print('%d rounds for each of 4 kinds, %d bad' % (rounds, bad))
sys.exit(bad > 0)
PY
claim 'mangled input' test $? -eq 0
finish
