#include "read/runfile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "read/keys.h"

#define HEAD "[system]\nstructure = w.gro\ntopology = w.top\n"
#define TAIL "[run]\ndt_ps = 0.002\n[nonbonded]\ncutoff_nm = 0.9\ncoulomb = reaction-field\n"
#define LJ   "[system]\ndata = melt.data\nunits = lj\n[run]\ndt = 0.005\n[nonbonded]\ncutoff = 2.5\n"

static enum sk_code parse_set(const char *text, const char *set, struct sk_parameters *p, struct sk_error *err)
{
    struct sk_override override = {set};
    return sk_runfile_parse(text, strlen(text), "/home/me/run.ini", &override, set != NULL, p, err);
}

static void accept_set(const char *text, const char *set, struct sk_parameters *p)
{
    struct sk_error err;
    if (parse_set(text, set, p, &err))
        fail_msg("%s", err.message);
}

/* The text must be refused as bad input with exactly this message. */
static void refuse_set(const char *text, const char *set, const char *message)
{
    struct sk_parameters p;
    struct sk_error err = {SK_OK, ""};
    assert_int_equal(parse_set(text, set, &p, &err), SK_EINPUT);
    assert_int_equal(err.code, SK_EINPUT);
    assert_string_equal(err.message, message);
}

static void refuse(const char *text, const char *message)
{
    refuse_set(text, NULL, message);
}

static void defaults_are_documented_ones(void **state)
{
    struct sk_parameters p;
    (void)state;
    accept_set(HEAD TAIL, NULL, &p);
    assert_int_equal(p.units, SK_UNITS_GROMACS);
    assert_string_equal(p.system.structure, "/home/me/w.gro");
    assert_string_equal(p.system.topology, "/home/me/w.top");
    assert_string_equal(p.output.checkpoint, "/home/me/run.ckpt.h5");
    assert_string_equal(p.output.trajectory, "");
    assert_int_equal(p.system.replicate[2], 1);
    assert_int_equal(p.run.integrator, SK_LEAP_FROG);
    assert_int_equal(p.run.velocity_time, SK_VELOCITY_HALF_STEP_BACK);
    assert_int_equal(p.run.remove_com_every, 100);
    assert_int_equal(p.run.seed, 1);
    assert_true(p.run.dt == 0.002);
    assert_true(p.nonbonded.vdw_cutoff == 0.9 && p.nonbonded.coulomb_cutoff == 0.9);
    assert_true(p.nonbonded.buffer == 0.0 && p.nonbonded.epsilon_rf == 0.0);
    assert_int_equal(p.nonbonded.vdw_modifier, SK_MODIFIER_POTENTIAL_SHIFT);
    assert_int_equal(p.nonbonded.coulomb, SK_COULOMB_REACTION_FIELD);
    assert_true(p.constraints.tolerance == 1e-10 && p.constraints.max_rounds == 50);
    assert_true(p.constraints.bonds == SK_BONDS_NONE && p.constraints.solver == SK_SOLVER_FRAGMENTS);
    assert_false(p.constraints.split_clusters);
    assert_true(p.pressure.compressibility == 4.5e-5);
    assert_int_equal(p.temperature.couple_every, 10);
    assert_int_equal(p.output.energy_every, 100);
    assert_int_equal(p.output.trajectory_every, 0);
    assert_true(p.output.positions && !p.output.velocities && !p.output.forces);
    assert_string_equal(p.domain.kernel, "auto");
    accept_set(LJ, NULL, &p);
    assert_int_equal(p.units, SK_UNITS_LJ);
    assert_false(p.system.is_real);
    assert_int_equal(p.nonbonded.coulomb, SK_COULOMB_NONE);
    assert_int_equal(p.nonbonded.mixing, SK_MIXING_AUTO);
    assert_true(p.nonbonded.vdw_cutoff == 2.5 && p.pressure.compressibility == 0.0);
}

static void defaults_follow_other_keys(void **state)
{
    struct sk_parameters p;
    (void)state;
    accept_set(HEAD TAIL, "run.integrator=velocity-verlet", &p);
    assert_int_equal(p.run.velocity_time, SK_VELOCITY_ON_STEP);
    accept_set(HEAD TAIL "[temperature]\nthermostat=langevin\ntarget_K=300\ntau_ps=1\n", NULL, &p);
    assert_int_equal(p.run.remove_com_every, 0);
    accept_set(HEAD TAIL "[temperature]\nthermostat=langevin\ntarget_K=300\ntau_ps=1\n", "run.remove_com_every=7", &p);
    assert_int_equal(p.run.remove_com_every, 7);
    accept_set(HEAD TAIL "[run]\nforce_tolerance_kJ_per_mol_per_nm = 7\n", NULL, &p);
    assert_true(p.run.dt == 0.002 && p.run.force_tolerance == 0 && p.run.initial_step == 0);
    accept_set(HEAD TAIL, "run.integrator=fire", &p);
    assert_true(p.run.dt == 0 && p.run.force_tolerance == 100 && p.run.initial_step == 0.01);
    accept_set(HEAD "[run]\nintegrator = steepest-descent\ninitial_step_nm = 0.02\n[nonbonded]\ncoulomb = none\n"
                    "cutoff_nm = 1\n",
               "run.force_tolerance_kJ_per_mol_per_nm=10", &p);
    assert_true(p.run.dt == 0 && p.run.force_tolerance == 10 && p.run.initial_step == 0.02);
    accept_set(LJ, "run.integrator=steepest-descent", &p);
    assert_true(p.run.dt == 0 && p.run.force_tolerance == 1 && p.run.initial_step == 0.01);
    accept_set(HEAD TAIL "[output]\ntrajectory = a.h5md\n", NULL, &p);
    assert_int_equal(p.output.trajectory_every, 1000);
    accept_set(HEAD TAIL "[output]\ntrajectory = a.h5md\ntrajectory_every = 5\n", "output.trajectory=", &p);
    assert_int_equal(p.output.trajectory_every, 0);
    assert_string_equal(p.output.trajectory, "");
    accept_set("[system]\ndata = d\nunits = real\n" TAIL, NULL, &p);
    assert_true(p.system.is_real && p.units == SK_UNITS_GROMACS);
    accept_set(HEAD "[run]\ndt_ps=1\n[nonbonded]\nvdw_cutoff_nm = 0.8\ncoulomb = none\n", NULL, &p);
    assert_true(p.nonbonded.coulomb_cutoff == 0.8);
}

static void text_form_is_forgiving_where_it_may(void **state)
{
    struct sk_parameters p;
    (void)state;
    accept_set("\xEF\xBB\xBF; head\r\n  [ system ] # here\r\n\tstructure : w.gro ; this\r\n topology=\"w #1 ; x.top\" "
               "# one\r\n"
               "define = -DA -DB=2 # macros\r\ninclude_path = ff:/opt/ff:./b\r\nreplicate = 2X3x1\r\n[run]\r\n"
               "   dt_ps = 2E-3\r\nseed = 18446744073709551615\r\nsteps = 4611686018427387904\r\n"
               "[nonbonded]\r\nbuffer_nm = auto\r\ncoulomb=none\r\ncutoff_nm=+.9\r\n[run]\r\nremove_com_every=0",
               NULL, &p);
    assert_string_equal(p.system.structure, "/home/me/w.gro");
    assert_string_equal(p.system.topology, "/home/me/w #1 ; x.top");
    assert_string_equal(p.system.define, "-DA -DB=2");
    assert_string_equal(p.system.include_path, "/home/me/ff:/opt/ff:/home/me/b");
    assert_int_equal(p.system.replicate[0], 2);
    assert_int_equal(p.system.replicate[1], 3);
    assert_true(p.run.dt == 2e-3 && p.nonbonded.vdw_cutoff == .9);
    assert_true(p.run.seed == UINT64_MAX);
    assert_true(p.run.steps == (int64_t)1 << 62);
    assert_int_equal(p.run.remove_com_every, 0);
    /* inih alone would cut this at " ;" and at 199 bytes. */
    char text[4000] = LJ "pair_coeff = 1 1 1.0 1.0 ; 1 2 0.5 1.0";
    for (int i = 0; i < 40; i++)
        strcat(text, " ; 2 2 0.25 1.0");
    accept_set(text, NULL, &p);
    assert_int_equal(strlen(p.nonbonded.pair_coeff),
                     strlen("1 1 1.0 1.0 ; 1 2 0.5 1.0") + 40 * strlen(" ; 2 2 0.25 1.0"));
}

static void key_errors_name_line_and_key(void **state)
{
    (void)state;
    refuse(HEAD "[run]\ndt_ps = 0.002\n[nonbonded]\ncutof_nm = 0.9\n",
           "/home/me/run.ini:7: unknown key 'cutof_nm' in [nonbonded]; did you mean 'cutoff_nm'?");
    refuse(LJ "cutof = 2\n", "/home/me/run.ini:8: unknown key 'cutof' in [nonbonded]; did you mean 'cutoff'?");
    refuse(HEAD TAIL "dt_ps = 1\n", "/home/me/run.ini:9: unknown key 'dt_ps' in [nonbonded]; it belongs in [run]");
    refuse(HEAD TAIL "[nonboned]\n", "/home/me/run.ini:9: unknown section [nonboned]; did you mean 'nonbonded'?");
    refuse("[zzzzzzzzzz]\n", "/home/me/run.ini:1: unknown section [zzzzzzzzzz]; the sections are system, groups, run, "
                             "domain, nonbonded, bonded, constraints, temperature, pressure, output");
    refuse(HEAD TAIL "[domain]\nqqqqqqqqqqqq = 1\n",
           "/home/me/run.ini:10: unknown key 'qqqqqqqqqqqq' in [domain]; nearest is 'curve'; the keys there are curve, "
           "rebalance, transport, mesh_layout, kernel");
    refuse(HEAD "[run]\ndt = 1\n", "/home/me/run.ini:5: 'dt' lacks its unit; write 'dt_ps'");
    refuse("[system]\ndata = x\nunits = lj\n[temperature]\ntarget_K = 1\n",
           "/home/me/run.ini:5: 'target_K' carries a unit, but units = lj is in reduced units; write 'target'");
    refuse(HEAD TAIL "cutoff_nm = 1\n",
           "/home/me/run.ini:9: 'cutoff_nm' is given twice in [nonbonded], first in line 7");
    refuse("dt_ps = 1\n", "/home/me/run.ini:1: 'dt_ps' stands before any [section]");
    refuse_set(HEAD TAIL, "nonbonded.cutof_nm=1",
               "--set nonbonded.cutof_nm: unknown key 'cutof_nm' in [nonbonded]; did you mean 'cutoff_nm'?");
    refuse_set(HEAD TAIL, "rum.steps=1", "--set rum.steps=1: unknown section 'rum'; did you mean 'run'?");
    refuse_set(HEAD TAIL, "steps=1", "--set steps=1: expected section.key=value, for example run.dt_ps=0.002");
}

static void form_errors_name_line(void **state)
{
    (void)state;
    refuse(HEAD "nonsense\n", "/home/me/run.ini:4: expected 'key = value' or '[section]', found 'nonsense'");
    refuse("[system\n", "/home/me/run.ini:1: section without ']': '[system'");
    refuse("[system] structure = a\n", "/home/me/run.ini:1: text after '[system]'; a key goes on a line of its own");
    refuse("[system]\n= 3\n", "/home/me/run.ini:2: no key before '='");
    refuse("[system]\nstructure = \"a\n", "/home/me/run.ini:2: 'structure' has no closing '\"'");
    refuse("[system]\nstructure = a\x01\n",
           "/home/me/run.ini:2: control character (code 1) in the line; is this a text file?");
    struct sk_parameters p;
    struct sk_error err;
    assert_int_equal(sk_runfile_parse("[run]\nst\0eps = 1\n", 17, "r", NULL, 0, &p, &err), SK_EINPUT);
    assert_string_equal(err.message, "r:2: a NUL byte in the line; is this a binary file?");
    char text[6000];
    memset(text, 'x', sizeof text);
    memcpy(text, "[run]\n", 6);
    assert_int_equal(sk_runfile_parse(text, sizeof text, "r", NULL, 0, &p, &err), SK_EINPUT);
    assert_string_equal(err.message, "r:2: line longer than 4095 bytes; break it up");
}

static void value_errors_name_what_is_right(void **state)
{
    (void)state;
    refuse(HEAD "[run]\ndt_ps = fast\n", "/home/me/run.ini:5: 'dt_ps' = 'fast' is not a number");
    refuse(HEAD "[run]\ndt_ps = 0\n", "/home/me/run.ini:5: 'dt_ps' = 0 is out of range: above 0, at most 1000 ps");
    refuse(HEAD "[run]\ndt_ps = -1e-3\n",
           "/home/me/run.ini:5: 'dt_ps' = -1e-3 is out of range: above 0, at most 1000 ps");
    refuse(HEAD "[run]\ndt_ps = nan\n", "/home/me/run.ini:5: 'dt_ps' = 'nan' is not a number");
    refuse("[system]\ndata = x\nunits = lj\n[run]\ndt = 0\n",
           "/home/me/run.ini:5: 'dt' = 0 is out of range: above 0, at most 1000");
    refuse(HEAD "[run]\ndt_ps =\n", "/home/me/run.ini:5: 'dt_ps' has no value");
    refuse(HEAD "[run]\nsteps = 1e4\n",
           "/home/me/run.ini:5: 'steps' = '1e4' is not a whole number within 64 bits, written in digits alone");
    refuse(HEAD "[run]\nsteps = -1\n", "/home/me/run.ini:5: 'steps' = -1 is out of range: at least 0, at most 2^62");
    refuse(HEAD "[run]\nseed = -1\n", "/home/me/run.ini:5: 'seed' = '-1' is not a whole number from 0 to 2^64 - 1");
    refuse(HEAD "[output]\nforces = yes\n", "/home/me/run.ini:5: 'forces' = 'yes' is neither 'on' nor 'off'");
    refuse(HEAD "replicate = 2x2\n",
           "/home/me/run.ini:4: 'replicate' = '2x2' is not of the form AxBxC, for example 2x2x2");
    refuse(HEAD "replicate = 2x0x2\n",
           "/home/me/run.ini:4: 'replicate' = 2x0x2 is out of range: each at least 1, at most 1000");
    refuse(HEAD "[domain]\ncurve = hilbrt\n",
           "/home/me/run.ini:5: 'curve' = 'hilbrt' is not one of: hilbert, morton, kd, power, "
           "auto");
    refuse(HEAD "[domain]\nkernel = a23456789012345678901234567890123\n",
           "/home/me/run.ini:5: the value of 'kernel' is longer than 31 bytes");
}

static void unsupported_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"nonbonded.coulomb=esp",
         "--set nonbonded.coulomb: 'coulomb' = esp is known but not supported yet; use one of: "
         "none, cut, reaction-field, pme"},
        {"nonbonded.special_bonds=fene", "--set nonbonded.special_bonds: 'special_bonds' has no meaning with "
                                         "'structure'; remove one of them"},
        {"constraints.bond_types=1", "--set constraints.bond_types: 'bond_types' has no meaning with 'structure'; "
                                     "remove one of them"},
        {"constraints.max_rounds=0",
         "--set constraints.max_rounds: 'max_rounds' = 0 is out of range: at least 1, at most 1e+06"},
        {"constraints.split_clusters=yes",
         "--set constraints.split_clusters: 'split_clusters' = 'yes' is neither 'on' nor 'off'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse_set(HEAD TAIL, cases[i].text, cases[i].message);
    struct sk_parameters p;
    accept_set(HEAD TAIL "[constraints]\nbonds = h-angles\nsolver = shake\nsplit_clusters = on\nmax_rounds = 7\n"
                         "[domain]\ntransport = ring\n",
               NULL, &p);
    assert_int_equal(p.constraints.bonds, SK_BONDS_H_ANGLES);
    assert_int_equal(p.constraints.solver, SK_SOLVER_SHAKE);
    assert_true(p.constraints.split_clusters && p.constraints.max_rounds == 7);
    assert_int_equal(p.domain.transport, SK_TRANSPORT_RING);
}

static void contradictions_name_the_missing_key(void **state)
{
    (void)state;
    refuse(TAIL,
           "/home/me/run.ini: [system] needs 'structure' and 'topology' (GROMACS), or 'data' and 'units' (LAMMPS)");
    refuse(HEAD "data = x\n" TAIL, "/home/me/run.ini:4: both 'structure' and 'data' are given; remove one of them");
    refuse("[system]\nstructure = a.gro\n" TAIL,
           "/home/me/run.ini:2: 'structure = a.gro' needs 'topology' in [system]");
    refuse("[system]\ndata = a\n" TAIL, "/home/me/run.ini:2: 'data = a' needs 'units' in [system] (lj or real)");
    refuse(HEAD "units = real\n" TAIL,
           "/home/me/run.ini:4: 'units' has no meaning with 'structure'; remove one of them");
    refuse(LJ "[system]\ntopology = t\n",
           "/home/me/run.ini:9: 'topology' has no meaning with 'data'; remove one of them");
    refuse(HEAD "velocities = maxwell\n" TAIL,
           "/home/me/run.ini:4: 'velocities = maxwell' needs 'maxwell_K' in [system]");
    refuse(HEAD, "/home/me/run.ini: 'dt_ps' is missing in [run]");
    refuse(HEAD "[run]\ndt_ps=1\n",
           "/home/me/run.ini: 'coulomb' is missing in [nonbonded] (none, cut, reaction-field or pme)");
    refuse(HEAD "[run]\ndt_ps=1\n[nonbonded]\ncoulomb=cut\n",
           "/home/me/run.ini: 'cutoff_nm' is missing in [nonbonded] (or 'vdw_cutoff_nm' and 'coulomb_cutoff_nm')");
    refuse(HEAD TAIL "vdw_cutoff_nm = 1\n",
           "/home/me/run.ini:9: 'vdw_cutoff_nm' and 'cutoff_nm' are both given; remove one of them");
    refuse(HEAD "[run]\ndt_ps=1\n[nonbonded]\ncoulomb=cut\nvdw_cutoff_nm=1\n",
           "/home/me/run.ini:8: 'vdw_cutoff_nm = 1' needs 'coulomb_cutoff_nm' in [nonbonded]");
    refuse(HEAD TAIL "epsilon_rf = 0.5\n",
           "/home/me/run.ini:9: 'epsilon_rf' is a relative permittivity: 0 (a conductor) or at least 1");
    refuse(HEAD TAIL "vdw_modifier = force-switch\n",
           "/home/me/run.ini:9: 'vdw_modifier = force-switch' needs 'vdw_switch_nm' in [nonbonded]");
    refuse(LJ "vdw_modifier = charmm-switch\n",
           "/home/me/run.ini:8: 'vdw_modifier = charmm-switch' needs 'vdw_switch' in [nonbonded]");
    refuse(HEAD TAIL "vdw_switch_nm = 0.7\n",
           "/home/me/run.ini:9: 'vdw_switch_nm' is for 'vdw_modifier' = force-switch, potential-switch or "
           "charmm-switch; remove it or set one of them");
    refuse(
        HEAD TAIL "vdw_modifier = potential-switch\nvdw_switch_nm = 0.9\n",
        "/home/me/run.ini:10: 'vdw_switch_nm' = 0.9 is not less than the Lennard-Jones cutoff, 0.9: nothing would be "
        "switched");
    refuse(HEAD TAIL "vdw_modifier = force-switch\nvdw_switch_nm = 0\n",
           "/home/me/run.ini:10: 'vdw_switch_nm' = 0 is out of range: above 0, at most 1000 nm");
    refuse(HEAD TAIL "coulomb_modifier = force-switch\n",
           "/home/me/run.ini:9: 'coulomb_modifier' = 'force-switch' is not one of: potential-shift, none");
    refuse(HEAD TAIL "[temperature]\nthermostat = v-rescale\ntau_ps = 1\n",
           "/home/me/run.ini:10: 'thermostat = v-rescale' needs 'target_K' in [temperature]");
    refuse(LJ "[temperature]\nthermostat = langevin\ntarget = 1\n",
           "/home/me/run.ini:9: 'thermostat = langevin' needs 'tau' in [temperature]");
    refuse(HEAD TAIL "[pressure]\nbarostat = berendsen\ntau_ps=1\n",
           "/home/me/run.ini:10: 'barostat = berendsen' needs 'target_bar' in [pressure]");
    refuse(LJ "[pressure]\nbarostat = berendsen\ntarget=0\ntau=1\n",
           "/home/me/run.ini:9: 'barostat = berendsen' needs 'compressibility' in [pressure]");
    refuse(
        HEAD TAIL "[pressure]\nbarostat = c-rescale\ntau_ps=1\ntarget_bar=1\n",
        "/home/me/run.ini:10: 'barostat = c-rescale' needs 'target_K' in [temperature], the temperature of its noise");
    refuse(HEAD TAIL "[output]\ntrajectory_every = 5\n",
           "/home/me/run.ini:10: 'trajectory_every = 5' needs 'trajectory' in [output]");
    refuse(HEAD TAIL "[output]\ntrajectory = a.xtc\n",
           "/home/me/run.ini:10: 'trajectory' must end in .h5md (readers go by the suffix)");
    refuse(HEAD TAIL "[output]\ntrajectory = a.h5md\npositions = off\n",
           "/home/me/run.ini:10: 'trajectory' would be empty: positions, velocities and forces are all off");
    refuse(HEAD TAIL "[output]\ncheckpoint = ./w.gro\n",
           "/home/me/run.ini: [output] 'checkpoint' would overwrite the input /home/me/w.gro");
    refuse(HEAD TAIL "[system]\nstart = run.ckpt.h5\n",
           "/home/me/run.ini: [output] 'checkpoint' would overwrite the input /home/me/run.ckpt.h5");
    refuse(HEAD TAIL "[output]\nfinal_structure = w.gro\n",
           "/home/me/run.ini: [output] 'final_structure' would overwrite the input /home/me/w.gro");
    refuse(HEAD TAIL "[output]\nfinal_structure = w.pdb\n",
           "/home/me/run.ini:10: 'final_structure' must end in .gro, the one format that is written");
    refuse(HEAD TAIL "[output]\nfinal_structure = a.gro\ncheckpoint = a.gro\n",
           "/home/me/run.ini:10: 'final_structure' and 'checkpoint' are the same file");
    refuse(LJ "[output]\nfinal_structure = w.gro\n",
           "/home/me/run.ini:9: 'final_structure' is in nm, but units = lj is in reduced units; use the checkpoint "
           "([system] start)");
}

#define BATH "[temperature]\nthermostat = v-rescale\n"

static void groups_have_names_of_their_own(void **state)
{
    struct sk_parameters p;
    (void)state;
    accept_set(HEAD TAIL "[groups]\nprotein = molecule Protein # the one\n1.b_-C: id 1-5 , all ; x\n" BATH
                         "groups = protein  rest\ngroup_target_K = 300 310.5\ntau_ps = 0.5\n[output]\n"
                         "energy_groups = rest protein\n[run]\nfreeze = 1.b_-C\nfreeze_axes = z x\n",
               NULL, &p);
    assert_int_equal(p.groups.n, 2);
    assert_string_equal(p.groups.of[0].name, "protein");
    assert_string_equal(p.groups.of[0].text, "molecule Protein");
    assert_string_equal(p.groups.of[1].name, "1.b_-C");
    assert_string_equal(p.groups.of[1].text, "id 1-5 , all");
    assert_string_equal(p.temperature.groups, "protein  rest");
    assert_true(p.temperature.group_target[0] == 300 && p.temperature.group_target[1] == 310.5);
    assert_true(p.temperature.group_tau[1] == 0.5 && p.temperature.group_tau[2] == 0 && p.temperature.target == 0);
    assert_string_equal(p.run.freeze_axes, "z x");
    assert_int_equal(p.run.remove_com_every, 0); /* for something is frozen */
    accept_set(HEAD TAIL "[groups]\na = id 1\nb = id 2\nc = id 3\n", "groups.b=", &p);
    assert_int_equal(p.groups.n, 2);
    assert_string_equal(p.groups.of[1].name, "c");
    accept_set(HEAD TAIL "[groups]\na = id 1\nb = id 2\n", "groups.a=atom X", &p);
    assert_string_equal(p.groups.of[0].text, "atom X");
    accept_set(HEAD TAIL BATH "target_K = 300\ntau_ps = 2\n[groups]\nx = id 1\n", "temperature.groups=x rest", &p);
    assert_true(p.temperature.group_target[1] == 300 && p.temperature.group_tau[0] == 2);
    accept_set(LJ "[temperature]\nthermostat = langevin\ngroups = all\ngroup_target = 1.5\ngroup_tau = 2\n", NULL, &p);
    assert_true(p.temperature.group_target[0] == 1.5 && p.run.remove_com_every == 0);
}

static void group_mistakes_are_named(void **state)
{
    (void)state;
    refuse(HEAD TAIL "[groups]\na = id 1\nb = id 2\na = id 3\n",
           "/home/me/run.ini:12: 'a' is given twice in [groups], first in line 10");
    refuse(HEAD TAIL "[groups]\nrest = id 1\n",
           "/home/me/run.ini:10: 'rest' has a meaning of its own; choose another name");
    refuse(HEAD TAIL "[groups]\na b = id 1\n",
           "/home/me/run.ini:10: 'a b' is no name: at most 31 letters, digits, '_', '-' and '.'");
    refuse(HEAD TAIL "[groups]\na = id 1\n[run]\nfreeze = b\n",
           "/home/me/run.ini:12: 'freeze' names 'b', which is not defined in [groups]; did you mean 'a'?");
    refuse_set(HEAD TAIL, "run.freeze=rest",
               "--set run.freeze: 'freeze' names 'rest', which is not defined in [groups]");
    refuse_set(HEAD TAIL, "output.energy_groups=all all",
               "--set output.energy_groups: 'energy_groups' names 'all' twice");
    refuse_set(HEAD TAIL, "temperature.groups=water",
               "--set temperature.groups: 'groups' names 'water', which is not defined in [groups]");
    refuse(HEAD TAIL "[groups]\nprotein = id 1\n" BATH "groups = protien rest\n",
           "/home/me/run.ini:13: 'groups' names 'protien', which is not defined in [groups]; did you mean 'protein'?");
    refuse(HEAD TAIL BATH "groups = all\ngroup_target_K = 300 310\ntau_ps = 1\n",
           "/home/me/run.ini:12: 'group_target_K' has 2 numbers, but 'groups' names 1 groups");
    refuse(HEAD TAIL BATH "groups = all rest\ngroup_target_K = 300 0\n",
           "/home/me/run.ini:12: 'group_target_K' = 0 is out of range: each above 0, at most 1e+09 K");
    refuse(HEAD TAIL BATH "groups = all rest\ngroup_tau_ps = 1 x\n",
           "/home/me/run.ini:12: 'group_tau_ps': 'x' is not a number");
    refuse(HEAD TAIL BATH "groups = all rest\ngroup_tau_ps = 1 1\n",
           "/home/me/run.ini:10: 'thermostat = v-rescale' needs 'target_K' in [temperature]");
    refuse_set(HEAD TAIL, "run.freeze_axes=xy",
               "--set run.freeze_axes: 'freeze_axes' = xy is not a list of x, y and z, each at most once");
    char text[2000] = HEAD TAIL "[groups]\n";
    for (int g = 0; g < 17; g++)
        sprintf(text + strlen(text), "g%d = id 1\n", g);
    refuse(text, "/home/me/run.ini:26: 'g16' is one more than the 16 that can be defined");
}

/* What is found wrong after the file was read is told with its line. */
static void keys_are_found_again(void **state)
{
    char name[] = "/tmp/sk_runfile_XXXXXX", at[128], expected[128];
    struct sk_override set[] = {{"groups.b = id 5"}, {"run.seed=4"}};
    (void)state;
    int file = mkstemp(name);
    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    fputs(HEAD TAIL "[groups]\na = id 1\nb = id 2\n", out);
    fclose(out);
    sk_runfile_locate(name, set, 2, "groups", "a", at, sizeof at);
    snprintf(expected, sizeof expected, "%s:10", name);
    assert_string_equal(at, expected);
    sk_runfile_locate(name, NULL, 0, "groups", "b", at, sizeof at);
    snprintf(expected, sizeof expected, "%s:11", name);
    assert_string_equal(at, expected);
    sk_runfile_locate(name, set, 2, "groups", "b", at, sizeof at);
    assert_string_equal(at, "--set groups.b");
    sk_runfile_locate(name, set, 2, "run", "freeze", at, sizeof at);
    assert_string_equal(at, name);
    unlink(name);
    sk_runfile_locate(name, set, 2, "groups", "a", at, sizeof at);
    assert_string_equal(at, name);
}

static uint64_t draw(uint64_t *seed)
{
    /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static int pick(uint64_t *seed, int n)
{
    return (int)(draw(seed) % (uint64_t)n);
}

/* A double with all 53 bits in use, in (low, high). */
static double real(uint64_t *seed, double low, double high)
{
    return low + (high - low) * ((double)(draw(seed) >> 11) + 0.5) * 0x1p-53;
}

static void path(uint64_t *seed, char *out, const char *suffix)
{
    static const char letters[] = "aZ09 #;=:[]'\\-_.%,\xC3\xA9";
    int n = 1 + pick(seed, 60);
    *out++ = '/';
    for (int i = 0; i < n; i++)
        *out++ = letters[pick(seed, (int)sizeof letters - 1)];
    strcpy(out, suffix);
}

/* Definitions of any text, and lists of some of them. */
static void random_groups(uint64_t *seed, struct sk_parameters *p)
{
    static const char *const names[] = {"a", "B.2", "_x-", "water", "id"};
    int n = 0;
    p->groups.n = pick(seed, 6);
    for (int g = 0; g < p->groups.n; g++) {
        strcpy(p->groups.of[g].name, names[g]);
        path(seed, p->groups.of[g].text, " ; x");
        bool is_listed = pick(seed, 2);
        if (is_listed)
            sprintf(p->temperature.groups + strlen(p->temperature.groups), "%s%s", n++ ? " " : "", names[g]);
    }
    if (p->groups.n > 0) {
        strcpy(p->run.freeze, names[pick(seed, p->groups.n)]);
        strcpy(p->output.energy_groups, pick(seed, 2) ? "rest a" : "");
    }
    bool has_targets = p->temperature.thermostat != SK_THERMOSTAT_NONE || pick(seed, 2);
    for (int g = 0; has_targets && g < n; g++) {
        p->temperature.group_target[g] = real(seed, 0, 500);
        p->temperature.group_tau[g] = real(seed, 0, 3);
    }
    strcpy(p->run.freeze_axes, pick(seed, 2) ? "x y z" : "z");
}

static void random_rest(uint64_t *seed, struct sk_parameters *p)
{
    p->domain.curve = (enum sk_curve)pick(seed, 2);
    p->domain.rebalance = (enum sk_rebalance)pick(seed, 3);
    p->domain.transport = (enum sk_transport)pick(seed, 3);
    strcpy(p->domain.kernel, pick(seed, 2) ? "avx2,avx512" : "baseline");
    p->constraints.tolerance = real(seed, 1e-13, 1e-3);
    p->constraints.bonds = (enum sk_bonds)pick(seed, 4);
    p->constraints.solver = (enum sk_solver)pick(seed, 2);
    p->constraints.max_rounds = 1 + pick(seed, 1000000);
    p->constraints.split_clusters = pick(seed, 2);
    p->temperature.thermostat = (enum sk_thermostat)pick(seed, 3);
    p->temperature.target = real(seed, 0, 500);
    p->temperature.tau = real(seed, 0, 3);
    p->temperature.couple_every = 1 + pick(seed, 99);
    random_groups(seed, p);
    p->pressure.barostat = (enum sk_barostat)pick(seed, 3);
    p->pressure.coupling = (enum sk_coupling)pick(seed, 3);
    p->pressure.target = real(seed, -100, 100);
    p->pressure.tau = real(seed, 0, 3);
    p->pressure.compressibility = real(seed, 0, 1e-4);
    p->output.positions = true;
    p->output.velocities = pick(seed, 2);
    p->output.forces = pick(seed, 2);
    p->output.energy_every = (int64_t)(draw(seed) >> 2);
    p->output.checkpoint_every = (int64_t)(draw(seed) >> 2);
    p->output.hash_every = pick(seed, 100);
    path(seed, p->output.checkpoint, ".h5");
    if (p->units == SK_UNITS_GROMACS && pick(seed, 2))
        path(seed, p->output.final_structure, "x.gro");
    if (pick(seed, 2)) {
        path(seed, p->output.trajectory, "x.h5md");
        p->output.trajectory_every = 1 + (int64_t)(draw(seed) >> 3);
    }
}

static void random_parameters(uint64_t *seed, struct sk_parameters *p)
{
    memset(p, 0, sizeof *p);
    if (pick(seed, 2)) {
        path(seed, p->system.data, "d");
        p->system.is_real = pick(seed, 2);
        p->units = p->system.is_real ? SK_UNITS_GROMACS : SK_UNITS_LJ;
        strcpy(p->nonbonded.pair_coeff, pick(seed, 2) ? "1 1 1.0 1 ; 1 2 3 4;2 2 2 2" : "");
        p->nonbonded.mixing = (enum sk_mixing)pick(seed, 3);
        strcpy(p->nonbonded.pair_style, pick(seed, 2) ? "lj/charmm/coul/long" : "");
        for (int f = 0; f < SK_FAMILIES; f++) {
            strcpy(p->bonded.style[f], pick(seed, 2) ? "harmonic" : "");
            strcpy(p->bonded.coeff[f], pick(seed, 2) ? "1 1 2; 2*3 4 5" : "");
        }
        strcpy(p->constraints.angle_types, pick(seed, 2) ? "2 31" : "");
        strcpy(p->constraints.bond_types, pick(seed, 2) ? "1 3" : "");
        strcpy(p->constraints.bond_lengths, pick(seed, 2) ? "0.97 1e-1  2" : "");
        for (int i = 0; i < 6; i++)
            p->nonbonded.special_bonds[i / 3][i % 3] = pick(seed, 2) ? pick(seed, 2) : real(seed, 0, 1);
    } else {
        path(seed, p->system.structure, "s");
        path(seed, p->system.topology, "t");
        strcpy(p->system.define, pick(seed, 2) ? "-DFLEXIBLE -DA=\xC2\xB5 ; #" : "");
        strcpy(p->system.include_path, pick(seed, 2) ? "/usr/share/top:/a b/c" : "");
    }
    for (int i = 0; i < 3; i++)
        p->system.replicate[i] = 1 + pick(seed, 1000);
    p->system.velocities = (enum sk_velocities)pick(seed, 2);
    p->system.maxwell = real(seed, 0, 500);
    if (pick(seed, 2))
        path(seed, p->system.start, "c");
    p->run.integrator = (enum sk_integrator)pick(seed, 4);
    p->run.velocity_time = (enum sk_velocity_time)(1 + pick(seed, 2));
    if (p->run.integrator == SK_FIRE || p->run.integrator == SK_STEEPEST_DESCENT) {
        p->run.force_tolerance = real(seed, 0, 1e9);
        p->run.initial_step = real(seed, 0, 1);
    } else
        p->run.dt = real(seed, 0, 1000);
    p->run.steps = (int64_t)(draw(seed) >> 2);
    p->run.seed = draw(seed);
    p->run.remove_com_every = pick(seed, 1000);
    p->nonbonded.buffer = pick(seed, 2) ? 0.0 : real(seed, 0, 1);
    p->nonbonded.vdw_cutoff = real(seed, 0, 3);
    p->nonbonded.coulomb_cutoff = real(seed, 0, 3);
    p->nonbonded.vdw_modifier = (enum sk_modifier)pick(seed, 5);
    if (p->nonbonded.vdw_modifier > SK_MODIFIER_NONE)
        p->nonbonded.vdw_switch = p->nonbonded.vdw_cutoff * real(seed, 0.01, 0.99);
    p->nonbonded.coulomb_modifier = (enum sk_modifier)pick(seed, 2);
    p->nonbonded.dispersion = (enum sk_dispersion)pick(seed, 3);
    p->nonbonded.coulomb = (enum sk_coulomb)pick(seed, 4);
    p->domain.mesh_layout = (enum sk_layout)pick(seed, 3);
    p->nonbonded.coulomb_error = 0; /* or neither of the next two */
    p->nonbonded.ewald_rtol = real(seed, 1e-14, 0.1);
    p->nonbonded.mesh_spacing = real(seed, 0, 10);
    p->nonbonded.mesh_order = 4 + pick(seed, 3);
    for (int i = 0, is_given = pick(seed, 2); i < 3; i++)
        p->nonbonded.mesh[i] = is_given ? 4 + pick(seed, 4093) : 0;
    p->nonbonded.epsilon_rf = pick(seed, 2) ? 0.0 : real(seed, 1, 80);
    random_rest(seed, p);
}

/* What each line says is LAMMPS' own meaning of it (Pair style lj/cut: no shift unless told; amber: 1/2 and 5/6). */
static void lines_of_scripts_are_keys(void **state)
{
#define DATA(units, lines) "[system]\ndata = d\nunits = " units "\n[run]\ndt" lines
    static const struct {
        const char *text;
        double lj[3], coulomb[3];
    } cases[] = {{"0 1 1", {0, 1, 1}, {0, 1, 1}},
                 {"fene", {0, 1, 1}, {0, 1, 1}},
                 {"amber", {0, 0, 0.5}, {0, 0, 5.0 / 6.0}},
                 {"charmm", {0}, {0}},
                 {"dreiding", {0, 0, 1}, {0, 0, 1}},
                 {"lj/coul 0 0.25 1 angle no dihedral no", {0, 0.25, 1}, {0, 0.25, 1}},
                 {"lj 0 0 0.5", {0, 0, 0.5}, {0}},
                 {"coul 0 0 1 lj 1 0 0", {1, 0, 0}, {0, 0, 1}},
                 {"amber coul 0 0 0", {0, 0, 0.5}, {0}}};
    static struct sk_parameters p;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char set[64];
        snprintf(set, sizeof set, "nonbonded.special_bonds=%s", cases[i].text);
        accept_set(LJ, set, &p);
        for (int d = 0; d < 3; d++)
            assert_true(p.nonbonded.special_bonds[0][d] == cases[i].lj[d] &&
                        p.nonbonded.special_bonds[1][d] == cases[i].coulomb[d]);
    }
    accept_set(DATA("lj", " = 1\n[nonbonded]\npair_style = lj/cut 1.12\npair_modify = shift yes mix arithmetic\n"),
               NULL, &p);
    assert_true(p.nonbonded.vdw_cutoff == 1.12 && p.nonbonded.coulomb == SK_COULOMB_NONE);
    assert_true(p.nonbonded.vdw_modifier == SK_MODIFIER_POTENTIAL_SHIFT &&
                p.nonbonded.mixing == SK_MIXING_LORENTZ_BERTHELOT);
    accept_set(DATA("real", "_ps = 1\n[nonbonded]\npair_style = lj/cut/coul/cut/omp 8 10\n"), NULL, &p);
    assert_true(p.nonbonded.vdw_cutoff == 0.8 && p.nonbonded.coulomb_cutoff == 1.0);
    assert_true(p.nonbonded.vdw_modifier == SK_MODIFIER_NONE && p.nonbonded.coulomb == SK_COULOMB_CUT &&
                p.nonbonded.coulomb_modifier == SK_MODIFIER_NONE && p.nonbonded.mixing == SK_MIXING_AUTO);
    accept_set(DATA("real", "_ps = 1\n[nonbonded]\npair_style = lj/cut/coul/cut 8.3\nvdw_modifier = none\n"
                            "vdw_cutoff_nm = 0.83\n"),
               NULL, &p);
    assert_true(p.nonbonded.vdw_cutoff == 0.83 && p.nonbonded.coulomb_cutoff == 8.3 / 10);
    /* Lines add up; what is given on the command line counts alone. */
    accept_set(LJ "pair_coeff = 1 1 1 1 # first\npair_coeff = 2 2 1 1; 1 2 3 3\n[bonded]\nbond_style = fene\n"
                  "bond_coeff = 1 30 1.5 1 1\n",
               NULL, &p);
    assert_string_equal(p.nonbonded.pair_coeff, "1 1 1 1; 2 2 1 1; 1 2 3 3");
    assert_string_equal(p.bonded.style[SK_FAMILY_BOND], "fene");
    accept_set(LJ "pair_coeff = 1 1 1 1\npair_coeff = 2 2 1 1\n", "nonbonded.pair_coeff=* * 1 1", &p);
    assert_string_equal(p.nonbonded.pair_coeff, "* * 1 1");
}

static void lines_of_scripts_are_refused_by_name(void **state)
{
    static const struct {
        const char *set, *message;
    } cases[] = {
        {"special_bonds=0 0 1.5",
         "--set nonbonded.special_bonds: 'special_bonds': '0 0 1.5' is not understood; expected "
         "three weights from 0 to 1, or as in LAMMPS: lj/coul, lj or coul with three weights "
         "each, fene, amber, charmm, dreiding"},
        {"special_bonds=lj 0 1", "--set nonbonded.special_bonds: 'special_bonds': 'lj 0 1' is not understood; expected "
                                 "three weights from 0 to 1, or as in LAMMPS: lj/coul, lj or coul with three weights "
                                 "each, fene, amber, charmm, dreiding"},
        {"special_bonds=fene angle yes",
         "--set nonbonded.special_bonds: 'special_bonds': 'fene angle yes' is not understood; expected "
         "three weights from 0 to 1, or as in LAMMPS: lj/coul, lj or coul with three weights "
         "each, fene, amber, charmm, dreiding"},
        {"pair_style=eam", "--set nonbonded.pair_style: pair_style 'eam' is not supported; there are lj/cut, "
                           "lj/cut/coul/cut, lj/cut/coul/long, lj/charmm/coul/long, lj/charmm/coul/charmm"},
        {"pair_style=lj/cut 2 3",
         "--set nonbonded.pair_style: expected pair_style lj/cut RC with positive numbers, or the name alone"},
        {"pair_style=lj/cut -2",
         "--set nonbonded.pair_style: expected pair_style lj/cut RC with positive numbers, or the name alone"},
        {"pair_style=lj/cut 2",
         "/home/me/run.ini:7: 'cutoff' and 'pair_style = lj/cut 2' both say the cutoff; remove one "
         "of them"},
        {"pair_style=lj/cut/coul/long 10 10 10", "--set nonbonded.pair_style: expected pair_style lj/cut/coul/long RC "
                                                 "[RCOUL] with positive numbers, or the name alone"},
        {"pair_style=lj/charmm/coul/charmm 8 10",
         "--set nonbonded.pair_style: pair_style lj/charmm/coul/charmm with its cutoffs is not supported (it switches "
         "the "
         "Coulomb potential); give the name alone, and cutoffs, 'vdw_modifier' and 'coulomb' of your choice"},
        {"pair_modify=tail yes",
         "--set nonbonded.pair_modify: pair_modify 'tail yes' is not supported; only shift yes|no "
         "(not with lj/charmm, whose energy ends at zero) and mix geometric|arithmetic"},
        {"pair_modify=shift", "--set nonbonded.pair_modify: pair_modify 'shift ' is not supported; only shift yes|no "
                              "(not with lj/charmm, whose energy ends at zero) and mix geometric|arithmetic"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char set[96];
        snprintf(set, sizeof set, "nonbonded.%s", cases[i].set);
        refuse_set(LJ, set, cases[i].message);
    }
    refuse(
        DATA("lj", " = 1\n[nonbonded]\npair_style = lj/cut 2.5\nvdw_modifier = potential-shift\n"),
        "/home/me/run.ini:8: 'vdw_modifier = potential-shift' contradicts 'pair_style = lj/cut 2.5', which says none");
    refuse(DATA("lj", " = 1\n[nonbonded]\nvdw_cutoff = 2\npair_style = lj/cut 2.5\n"),
           "/home/me/run.ini:7: 'vdw_cutoff = 2' contradicts 'pair_style = lj/cut 2.5', which says 2.5");
    refuse(HEAD TAIL "pair_style = lj/cut\n",
           "/home/me/run.ini:9: 'pair_style' has no meaning with 'structure'; remove one of them");
}

/* A run file with pair_style is written out with what follows from it, and that can be read again. */
static void implied_keys_are_written(void **state)
{
    static struct sk_parameters p, q;
    struct sk_error err;
    char *text;
    size_t length;
    (void)state;
    accept_set(DATA("real", "_ps = 1\n[nonbonded]\npair_style = lj/cut/coul/cut 8.3 9.7\npair_modify = shift yes\n"),
               NULL, &p);
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    sk_runfile_write(out, &p);
    fclose(out);
    if (sk_runfile_parse(text, length, "elsewhere/x.ini", NULL, 0, &q, &err))
        fail_msg("%s\n%s", err.message, text);
    assert_memory_equal(&p, &q, sizeof p);
    free(text);
}

/* The struct is made here field by field, so the writer and the parser are both checked against it. */
static void written_set_parses_to_the_same_bytes(void **state)
{
    uint64_t seed = 20240229;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        static struct sk_parameters p, q;
        struct sk_error err;
        char *text;
        size_t length;
        random_parameters(&seed, &p);
        FILE *out = open_memstream(&text, &length);
        assert_non_null(out);
        sk_runfile_write(out, &p);
        fclose(out);
        if (sk_runfile_parse(text, length, "elsewhere/x.ini", NULL, 0, &q, &err))
            fail_msg("set %d: %s\n%s", i, err.message, text);
        if (memcmp(&p, &q, sizeof p) != 0)
            fail_msg("set %d differs:\n%s", i, text);
        free(text);
    }
}

static void files_are_read_with_paths_from_their_folder(void **state)
{
    char folder[] = "/tmp/sk_runfile_XXXXXX", name[64], expected[128];
    struct sk_parameters p;
    struct sk_error err;
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(name, sizeof name, "%s/./a.b.ini", folder);
    FILE *out = fopen(name, "w");
    assert_non_null(out);
    fputs(HEAD TAIL, out);
    fclose(out);
    enum sk_code code = sk_runfile_read(name, NULL, 0, &p, &err);
    unlink(name);
    enum sk_code missing = sk_runfile_read(name, NULL, 0, &p, &err);
    snprintf(expected, sizeof expected, "%s: cannot open: No such file or directory", name);
    assert_string_equal(err.message, expected);
    assert_int_equal(missing, SK_EINPUT);
    assert_int_equal(sk_runfile_read(folder, NULL, 0, &p, &err), SK_EINPUT);
    snprintf(expected, sizeof expected, "%s: cannot read: this is a folder", folder);
    assert_string_equal(err.message, expected);
    rmdir(folder);
    assert_int_equal(code, SK_OK);
}

static void document_names_every_key(void **state)
{
    int n;
    const struct sk_key *key = sk_key_table(&n);
    char *text, cell[96];
    size_t length;
    (void)state;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    sk_runfile_document(out);
    fclose(out);
    for (int i = 0; i < n; i++) {
        snprintf(cell, sizeof cell, "\n| `%s`", key[i].name);
        assert_non_null(strstr(text, cell));
        assert_true(key[i].fallback || key[i].rule);
        assert_true(strlen(key[i].help) > 10);
    }
    /* The file in the tree is what the table says now; the tests run in the project's root. */
    FILE *in = fopen("docs/runfile.md", "r");
    if (!in)
        fail_msg("docs/runfile.md not found: run the tests from the project's root");
    char *file = calloc(length + 2, 1);
    size_t got = fread(file, 1, length + 1, in);
    fclose(in);
    bool is_same = got == length && memcmp(file, text, length) == 0;
    free(file);
    free(text);
    if (!is_same)
        fail_msg("docs/runfile.md is out of date: write it anew with sk_runfile_document");
}

/* SK_WRITE_DOCS=PATH writes the page instead of testing. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_documented_ones),
        cmocka_unit_test(defaults_follow_other_keys),
        cmocka_unit_test(text_form_is_forgiving_where_it_may),
        cmocka_unit_test(key_errors_name_line_and_key),
        cmocka_unit_test(form_errors_name_line),
        cmocka_unit_test(value_errors_name_what_is_right),
        cmocka_unit_test(unsupported_is_refused_by_name),
        cmocka_unit_test(contradictions_name_the_missing_key),
        cmocka_unit_test(groups_have_names_of_their_own),
        cmocka_unit_test(group_mistakes_are_named),
        cmocka_unit_test(keys_are_found_again),
        cmocka_unit_test(lines_of_scripts_are_keys),
        cmocka_unit_test(lines_of_scripts_are_refused_by_name),
        cmocka_unit_test(implied_keys_are_written),
        cmocka_unit_test(written_set_parses_to_the_same_bytes),
        cmocka_unit_test(files_are_read_with_paths_from_their_folder),
        cmocka_unit_test(document_names_every_key),
    };
    const char *page = getenv("SK_WRITE_DOCS");
    if (page) {
        FILE *out = fopen(page, "w");
        if (!out)
            return 1;
        sk_runfile_document(out);
        return fclose(out) != 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
