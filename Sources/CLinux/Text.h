// Text for code that makes only raw system calls.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_TEXT_H
#define PARLEY_TEXT_H

#pragma clang attribute push( \
    __attribute__((disable_sanitizer_instrumentation, no_sanitize("undefined"), no_stack_protector, no_builtin)), \
    apply_to = function)

// Both return the end of what they wrote, which is a NUL.
static inline char *put(char *end, const char *text)
{
    while (*text) *end++ = *text++;
    *end = 0;
    return end;
}

static inline char *put_number(char *end, long number)
{
    char digits[24];
    int count = 0;
    do digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count) *end++ = digits[--count];
    *end = 0;
    return end;
}

static inline int is_digit(char character) { return character >= '0' && character <= '9'; }

#pragma clang attribute pop

#endif
