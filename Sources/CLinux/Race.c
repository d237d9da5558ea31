// Tells ThreadSanitizer of the standard library's Mutex, in builds that have it.
// SPDX-License-Identifier: Apache-2.0
#if __has_feature(thread_sanitizer)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>
#include <stdint.h>

// What a Mutex does without contention is compiled into its callers and seen there. The rest is in the library, which
// isn't instrumented, so that each value behind a contended lock would be reported as a race.

#define METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

METHOD void parley_lock_slow(uint32_t thread, SELF) __asm__(LOCK);
METHOD void parley_unlock_slow(SELF) __asm__(UNLOCK);

METHOD void parley_lock_slow(uint32_t thread, SELF)
{
    METHOD void (*lock)(uint32_t, SELF) = (METHOD void (*)(uint32_t, SELF))dlsym(RTLD_NEXT, LOCK);
    lock(thread, self);
    __tsan_acquire(self);
}

METHOD void parley_unlock_slow(SELF)
{
    METHOD void (*unlock)(SELF) = (METHOD void (*)(SELF))dlsym(RTLD_NEXT, UNLOCK);
    __tsan_release(self);
    unlock(self);
}
#endif
