#!/bin/bash
#SBATCH --job-name=skein
#SBATCH --ntasks=64
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
# Runs a simulation to its end over as many jobs as it takes:
#     sbatch [--ntasks=N --time=HH:MM:SS ...] scripts/batch/slurm.sh water.ini [arguments of skein run]
# Two minutes before the time limit Slurm sends USR1 to this script, which passes it on; skein then writes a checkpoint
# and leaves with code 75, and the next job is submitted with the same options. It goes on with --resume, on any number
# of tasks.
# SKEIN: the program (default: skein on the PATH). LAUNCH: srun (default), srun --mpi=pmix, or mpirun.
# SKEIN_MAX_JOBS: stop resubmitting after so many jobs (default 100).
set -u
[ $# -ge 1 ] || { echo "usage: sbatch $0 FILE.ini [ARGUMENTS]" >&2; exit 1; }
skein=${SKEIN:-skein}
launch=${LAUNCH:-srun}
count=${SKEIN_JOB_COUNT:-1}

# Also without a signal (a site that does not send it): stop five minutes before the end by the clock.
hours=()
if end=$(squeue -h -j "$SLURM_JOB_ID" -o %e 2> /dev/null) && end=$(date -d "$end" +%s 2> /dev/null); then
    left=$((end - $(date +%s) - 300))
    [ $left -gt 60 ] && hours=(--max-hours "$(awk -v s=$left 'BEGIN { printf "%.4f", s / 3600 }')")
fi

# In the background, so that the trap runs at once: a foreground srun would hold the signal back.
$launch "$skein" run "$@" --resume "${hours[@]}" &
job=$!
signalled=
trap 'signalled=1; kill -USR1 $job' USR1
wait $job
code=$?
# A wait that the signal ended says nothing of the job, which is still writing its checkpoint: wait again.
while [ -n "$signalled" ]; do
    signalled=
    wait $job
    again=$?
    [ $again -eq 127 ] || code=$again
done

if [ $code -eq 75 ]; then
    if [ "$count" -ge "${SKEIN_MAX_JOBS:-100}" ]; then
        echo "skein: stopped after $count jobs (SKEIN_MAX_JOBS)" >&2
        exit 75
    fi
    # The spooled copy of this script is what is submitted; options of this job are given again.
    export SKEIN_JOB_COUNT=$((count + 1))
    limit=$(squeue -h -j "$SLURM_JOB_ID" -o %l)
    sbatch --job-name="$SLURM_JOB_NAME" --ntasks="$SLURM_NTASKS" --time="$limit" --partition="$SLURM_JOB_PARTITION" \
        --chdir="$SLURM_SUBMIT_DIR" ${SLURM_JOB_ACCOUNT:+--account="$SLURM_JOB_ACCOUNT"} --export=ALL "$0" "$@" || exit 3
    echo "skein: the run goes on in the next job"
    exit 0
fi
exit $code
