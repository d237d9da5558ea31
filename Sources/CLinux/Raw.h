// System calls for code that runs in this memory but is another process: without errno and thread-local storage, which
// belong to a thread of the server that may have ended meanwhile.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_RAW_H
#define PARLEY_RAW_H

#include <sys/syscall.h>

// A stack protector reads thread-local storage, an inserted memset goes through the dynamic linker, which
// writes it, and sanitizers keep records of the calling thread.
#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
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

// clone(2) of a process that runs `body` on a stack of its own, which starts at `top`; `body` doesn't return. It
// can't reach the caller's frames, as it could after a bare vfork.
static inline long raw_clone(unsigned long flags, void *top, void (*body)(void *), void *argument)
{
#if defined(__x86_64__)
    long result;
    register long child __asm__("r10") = 0;
    register long storage __asm__("r8") = 0;
    register void (*code)(void *) __asm__("r12") = body;
    register void *first __asm__("r13") = argument;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)SYS_clone), "D"(flags), "S"(top), "d"(0L), "r"(child), "r"(storage),
                       "r"(code), "r"(first)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long which __asm__("x8") = SYS_clone;
    register long result __asm__("x0") = (long)flags;
    register void *stack __asm__("x1") = top;
    register long parent __asm__("x2") = 0;
    register long storage __asm__("x3") = 0;
    register long child __asm__("x4") = 0;
    register void (*code)(void *) __asm__("x19") = body;
    register void *first __asm__("x20") = argument;
    __asm__ volatile("svc 0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x20\n\t"
                     "blr x19\n\t"
                     "brk 0\n"
                     "1:"
                     : "+r"(result)
                     : "r"(which), "r"(stack), "r"(parent), "r"(storage), "r"(child), "r"(code), "r"(first)
                     : "memory");
    return result;
#endif
}

// The same with clone3(2), which takes the stack from its arguments.
static inline long raw_clone3(void *how, unsigned long size, void (*body)(void *), void *argument)
{
#if defined(__x86_64__)
    long result;
    register void (*code)(void *) __asm__("r12") = body;
    register void *first __asm__("r13") = argument;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(how), "S"(size), "r"(code), "r"(first)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long which __asm__("x8") = SYS_clone3;
    register long result __asm__("x0") = (long)how;
    register unsigned long length __asm__("x1") = size;
    register void (*code)(void *) __asm__("x19") = body;
    register void *first __asm__("x20") = argument;
    __asm__ volatile("svc 0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x20\n\t"
                     "blr x19\n\t"
                     "brk 0\n"
                     "1:"
                     : "+r"(result)
                     : "r"(which), "r"(length), "r"(code), "r"(first)
                     : "memory");
    return result;
#endif
}

#pragma clang attribute pop

#endif
