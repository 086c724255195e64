// Preloaded into Debian's gmx 2022.5 where a virtual machine hides the RDTSCP flag (see gmx.sh): wraps
// gmx::CpuInfo::detect() and adds the feature to its result. 0x38 is the place of the feature set in 2022.5.
#include <dlfcn.h>
#include <set>
#include <string>

extern "C" void *cpuinfo_detect(void *result) __asm__("_ZN3gmx7CpuInfo6detectEv");
extern "C" void *cpuinfo_detect(void *result)
{
    auto detect = (void *(*)(void *))dlsym(RTLD_NEXT, "_ZN3gmx7CpuInfo6detectEv");
    auto name = (const std::string &(*)(int))dlsym(RTLD_NEXT, "_ZN3gmx7CpuInfo13featureStringB5cxx11ENS0_7FeatureE");
    detect(result);
    auto *features = (std::set<int> *)((char *)result + 0x38);
    for (int i = 0; i < 200; i++) {
        try {
            if (name(i) == "rdtscp") {
                features->insert(i);
                break;
            }
        } catch (...) {
        }
    }
    return result;
}
