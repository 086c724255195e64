# Skein: build, test, install.  make help lists the targets.
MAKEFLAGS += --no-builtin-rules
VERSION   := 0.1.0
SOVERSION := 0
BUILD     ?= build
PREFIX    ?= /usr/local
JOBS      ?= $(shell nproc 2>/dev/null || echo 2)
CC        := mpicc
# Debian calls the parallel library hdf5-openmpi, Spack and modules hdf5; where pkg-config knows neither, the MPI
# compiler usually has its folders.
HDF5_PKG    := $(firstword $(foreach p,hdf5-openmpi hdf5,$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p))))
HDF5_CFLAGS ?= $(if $(HDF5_PKG),$(shell pkg-config --cflags $(HDF5_PKG)))
HDF5_LIBS   ?= $(if $(HDF5_PKG),$(shell pkg-config --libs $(HDF5_PKG)),-lhdf5)
OPT       ?= -O2
WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
# Bits matter: no contraction, no fast-math, in every object (docs/numerics.md).
BITS      := -std=c11 -ffp-contract=off -fno-fast-math -fexcess-precision=standard
CPPFLAGS  += -D_GNU_SOURCE -DSK_VERSION='"$(VERSION)"' -Isrc -Iinclude $(HDF5_CFLAGS)
CFLAGS    += $(OPT) -g $(BITS) $(WARN) -fPIC -fvisibility=hidden -fno-math-errno -fno-trapping-math $(SANITIZE) -MMD -MP
LDLIBS    := $(HDF5_LIBS) -linih -lxxhash -lm
LDFLAGS   += $(SANITIZE)
# Linked into every program; the sanitizer build puts tests/support/nodlclose.c here.
LINK_EXTRA ?=

# One kernel source, compiled once for each instruction set.
VARIANTS        := baseline avx2 avx512
FLAGS_baseline  :=
FLAGS_avx2      := -mavx2 -mfma
FLAGS_avx512    := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512

SOURCES  := $(filter-out src/app/%,$(wildcard src/*/*.c))
SOURCES  := $(filter-out src/kernel/variant.c,$(SOURCES))
OBJECTS  := $(SOURCES:src/%.c=$(BUILD)/%.o) $(VARIANTS:%=$(BUILD)/kernel/variant_%.o)
# Files that the program carries: sk_file_<name> is the text, with _ for . and -.
CARRIED  := $(patsubst src/%,$(BUILD)/%.o,$(wildcard src/app/web/* src/app/vendor/*))
APP      := $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/app/*.c)) $(CARRIED)

.PHONY: all
all: $(BUILD)/skein $(BUILD)/libskein.a $(BUILD)/libskein.so

$(BUILD)/skein: $(APP) $(BUILD)/libskein.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LINK_EXTRA) $(LDLIBS)
$(BUILD)/libskein.a: $(OBJECTS)
	@rm -f $@
	ar rcs $@ $^
$(BUILD)/libskein.so: $(OBJECTS)
	$(CC) $(LDFLAGS) -shared -Wl,-soname,libskein.so.$(SOVERSION) -o $@ $^ $(LDLIBS)
	@ln -sf libskein.so $(BUILD)/libskein.so.$(SOVERSION)

$(VARIANTS:%=$(BUILD)/kernel/variant_%.o): $(BUILD)/kernel/variant_%.o: src/kernel/variant.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -O3 $(FLAGS_$*) -DSK_VARIANT=$* -c -o $@ $<
# Building lists is loops over boxes and masks, and the mesh has loops over its points; -O3 is worth 5 % of them.
$(BUILD)/neigh/%.o $(BUILD)/mesh/%.o: OPT := -O3
$(BUILD)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(CARRIED): $(BUILD)/%.o: src/%
	@mkdir -p $(@D)
	printf '.section .rodata\n.global %s\n%s: .incbin "%s"\n.byte 0\n.section .note.GNU-stack,"",%%progbits\n' \
		$(foreach i,1 2,sk_file_$(subst -,_,$(subst .,_,$(notdir $<)))) $< | $(CC) -c -x assembler -o $@ -

# Unit tests: tests/<module>/test_x.c (serial) and tests/<module>/mpi_x.c (run at several rank counts).
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/*/test_*.c tests/*/mpi_*.c))
$(BUILD)/tests/%: tests/%.c $(BUILD)/libskein.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -Itests $(LDFLAGS) -o $@ $< $(BUILD)/libskein.a $(LINK_EXTRA) -lcmocka $(LDLIBS)
# The transforms are tested against FFTW.
$(BUILD)/tests/kernel/test_fft: LDLIBS += -lfftw3
# The program with faults planted between its modules, for tests/system/test_faults.sh.
WRAPPED := sk_list_build sk_home_migrate sk_halo_arrived
$(BUILD)/tests/skein-faults: tests/faults/faults.c $(APP) $(BUILD)/libskein.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes $(LDFLAGS) $(WRAPPED:%=-Wl,--wrap=%) -o $@ $(filter-out $(LINK_EXTRA),$^) $(LINK_EXTRA) $(LDLIBS)
.PHONY: tests
tests: $(TESTS) $(BUILD)/tests/skein-faults

# The inputs ready to run, in the build folder: run files as they are, data unpacked.
INPUTS := $(patsubst %.xz,%,$(patsubst inputs/%,$(BUILD)/inputs/%,$(filter-out %.md,$(wildcard inputs/*/*))))
.PHONY: inputs
inputs: $(INPUTS)
$(BUILD)/inputs/%: inputs/%.xz
	@mkdir -p $(@D)
	xz -dc $< > $@
$(BUILD)/inputs/%: inputs/%
	@mkdir -p $(@D)
	cp $< $@

# The targets below start make anew, so that what an installation step brought is seen.
# Builds in parallel unless the user said how.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: demo
demo:
	@scripts/install-deps.sh
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@BUILD=$(BUILD) scripts/demo.sh

.PHONY: check check-all
check check-all:
	@scripts/install-deps.sh --tests
	@$(MAKE) --no-print-directory $(PARALLEL) all tests inputs
	@scripts/run-tests.py --build $(BUILD) $(if $(filter check-all,$@),--all) $(CHECK_FLAGS)

.PHONY: bench
bench:
	@scripts/install-deps.sh --bench
	@$(MAKE) --no-print-directory $(PARALLEL) all inputs
	@scripts/bench/bench.py --build $(BUILD) $(BENCH_FLAGS)

.PHONY: layers
layers:
	@$(MAKE) --no-print-directory $(PARALLEL) $(BUILD)/libskein.a
	@scripts/check-layers.py --build $(BUILD)

# Sanitizers: the unit tests and the bad-input tests, in a folder of their own.
.PHONY: asan
asan:
	@scripts/install-deps.sh --tests
	@$(MAKE) --no-print-directory $(PARALLEL) BUILD=$(BUILD)/asan OPT=-O1 LINK_EXTRA=tests/support/nodlclose.c \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' all tests inputs
	@LSAN_OPTIONS=suppressions=$(CURDIR)/tests/support/lsan.supp:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1 \
		scripts/run-tests.py --build $(BUILD)/asan --slow 8 --filter '^(unit|mpi)/|system/test_bad_input' $(CHECK_FLAGS)

# One libFuzzer program per parser (tests/fuzz/fuzz_X.c); its corpus is tests/fuzz/corpus/X, what it finds anew goes
# to the build folder. Parsers see no MPI, so the rows below par and the readers are all that is linked.
FUZZ_SECONDS ?= 60
FUZZERS      := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SOURCES := $(wildcard src/base/*.c src/geom/*.c src/model/*.c src/read/*.c)
$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_SOURCES)
	@mkdir -p $(@D)
	clang -std=c11 -ffp-contract=off -g -O1 -D_GNU_SOURCE -DSK_VERSION='"$(VERSION)"' -Isrc -Iinclude -Itests \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o $@ $^ -linih -lxxhash -lm
.PHONY: fuzz
fuzz:
	@scripts/install-deps.sh --dev
	@$(MAKE) --no-print-directory $(PARALLEL) $(FUZZERS)
	@for f in $(FUZZERS); do n=$${f##*/fuzz_}; mkdir -p $(BUILD)/fuzz/new-$$n; echo "fuzzing $$n for $(FUZZ_SECONDS) s"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=$(BUILD)/fuzz/$$n- $(BUILD)/fuzz/new-$$n tests/fuzz/corpus/$$n || exit 1; done

.PHONY: format tidy
FORMATTED = $(wildcard src/*/*.[ch] include/*/*.h tests/*.h tests/*/*.[ch])
format:
	@scripts/install-deps.sh --dev
	clang-format -i $(FORMATTED)
tidy:
	@scripts/install-deps.sh --dev
	clang-tidy --quiet $(SOURCES) $(wildcard src/app/*.c) -- $(CPPFLAGS) -std=c11 $(FLAGS_avx2) \
		$(shell $(CC) --showme:compile 2>/dev/null)

# PREFIX and DESTDIR as usual.
LIBDIR ?= $(PREFIX)/lib
.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/skein $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 755 $(BUILD)/skein $(DESTDIR)$(PREFIX)/bin/skein
	install -m 644 include/skein/skein.h $(DESTDIR)$(PREFIX)/include/skein/skein.h
	install -m 644 $(BUILD)/libskein.a $(DESTDIR)$(LIBDIR)/libskein.a
	install -m 755 $(BUILD)/libskein.so $(DESTDIR)$(LIBDIR)/libskein.so.$(VERSION)
	ln -sf libskein.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libskein.so.$(SOVERSION)
	ln -sf libskein.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libskein.so
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' \
		'Name: skein' 'Description: molecular dynamics engine whose results do not depend on the partition' \
		'Version: $(VERSION)' 'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lskein' \
		'Libs.private: $(HDF5_LIBS) -linih -lxxhash -lm' > $(DESTDIR)$(LIBDIR)/pkgconfig/skein.pc

.PHONY: help
help:
	@echo 'make              build $(BUILD)/skein and libskein'
	@echo 'make demo         install what is missing, build, run water on two curves and compare the bits'
	@echo 'make check        install what is missing, build, run the tests (check-all: the long ones too)'
	@echo 'make bench        speeds against LAMMPS and GROMACS on this machine, as ratios'
	@echo 'make install      PREFIX=/usr/local DESTDIR='
	@echo 'make asan         unit and bad-input tests under AddressSanitizer and UBSan'
	@echo 'make fuzz         libFuzzer on every parser, FUZZ_SECONDS=60 each'
	@echo 'make layers       who includes what, who sees MPI and HDF5, which libm symbols are used'
	@echo 'make format tidy  clang-format in place, clang-tidy'
	@echo 'CHECK_FLAGS="--filter REGEX" runs some of the tests; scripts/run-tests.py --help'

.PHONY: clean
clean:
	rm -rf $(BUILD)

# What the compiler wrote about includes; never made by a rule.
%.d: ;
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
