// System calls for code that runs in this memory but is another process: without errno and thread-local
// storage, which belong to a thread of the server that may have ended meanwhile.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_RAW_H
#define PARLEY_RAW_H

#include <sys/syscall.h>

// A stack protector reads thread-local storage, an inserted memset goes through the dynamic linker, which
// writes it, and sanitizers keep books of the calling thread.
#pragma clang attribute push( \
    __attribute__((no_sanitize("address", "thread", "undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

// The result is the kernel's: below zero it is -errno.
static inline long raw(long number, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
    long result;
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long which __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    register long fifth __asm__("x4") = e;
    __asm__ volatile("svc 0"
                     : "+r"(first)
                     : "r"(which), "r"(second), "r"(third), "r"(fourth), "r"(fifth)
                     : "memory");
    return first;
#else
#error "system calls of this architecture are not written down yet"
#endif
}

#pragma clang attribute pop

#endif
