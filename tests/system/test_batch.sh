#!/bin/bash
# scripts/batch/slurm.sh with stand-ins for Slurm: the signal reaches the job, the run is resubmitted while it says 75,
# and only then.
. "$(dirname "$0")/lib.sh"
export PATH=$WORK/bin:$PATH SLURM_JOB_ID=7 SLURM_JOB_NAME=water SLURM_NTASKS=4 SLURM_JOB_PARTITION=p SLURM_SUBMIT_DIR=$WORK
mkdir bin
printf '#!/bin/sh\ncase "$*" in *%%e*) date -d "+1 hour" +%%FT%%T ;; *) echo 1:00:00 ;; esac\n' > bin/squeue
printf '#!/bin/sh\necho "$@" >> submitted\n' > bin/sbatch
printf '#!/bin/sh\nexec "$@"\n' > bin/srun
cat > bin/skein << 'PROGRAM'
#!/bin/bash
# Stops with 75 half a second after USR1; otherwise ends with the code in the file `code`.
echo "$@" > arguments
trap 'sleep 0.5; echo saved > saved; exit 75' USR1
: > started
for _ in $(seq ${TENTHS:-1}); do sleep 0.1; done
exit "$(cat code)"
PROGRAM
chmod +x bin/*
batch() { bash "$ROOT/scripts/batch/slurm.sh" water.ini --quiet > out 2> err; code=$?; last_command=slurm.sh; }

echo 0 > code
batch
claim 'done: code 0' test $code -eq 0
claim 'done: not resubmitted' test ! -e submitted
claim 'resumes' grep -q -- '^run water.ini --quiet --resume --max-hours 0\.9' arguments
for failure in 1 2 3 70 137; do
    echo $failure > code
    batch
    claim "failed with $failure: the same code" test $code -eq $failure
done
claim 'failed: not resubmitted' test ! -e submitted
echo 75 > code
batch
claim 'stopped: code 0' test $code -eq 0
claim 'stopped: resubmitted with its options' grep -q -- '--ntasks=4 --time=1:00:00.*slurm.sh water.ini --quiet' submitted

rm -f submitted started
TENTHS=200 bash "$ROOT/scripts/batch/slurm.sh" water.ini > out 2> err &
script=$!
for _ in $(seq 100); do [ -e started ] && break; sleep 0.1; done
kill -USR1 $script
wait $script
code=$?
claim 'USR1: passed on, and waited for' test -e saved
claim 'USR1: resubmitted' test -e submitted
claim 'USR1: code 0' test $code -eq 0

rm -f submitted
SKEIN_JOB_COUNT=100 batch
claim 'not for ever' test $code -eq 75 -a ! -e submitted
finish
