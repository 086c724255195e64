# To be sourced: lets Open MPI run as root in a container, with more ranks than cores, and several jobs at a time.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_mpi_yield_when_idle=1             # without it an oversubscribed reduction takes 40 ms
export OMPI_MCA_hwloc_base_binding_policy=none    # two jobs at once would share the first core
command -v mpirun > /dev/null || { [ ! -x /usr/lib64/openmpi/bin/mpirun ] || PATH=$PATH:/usr/lib64/openmpi/bin; }
