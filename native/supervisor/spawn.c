/*
 * spawn.c: see spawn.h.
 */
#include "spawn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

/* struct clone_args of Linux 5.7, with which headers that are older do without. clone3(2) */
struct arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define INTO_CGROUP 0x200000000ull
#define CLONE3 435 /* the same on every processor */

#define FLAGS (CLONE_VM | CLONE_VFORK)

/*
 * The child comes back from the system call on another stack: nothing but registers may be used until main is called, so this
 * is not left to the compiler. main never returns.
 */
#if defined(__x86_64__)
static long clone3(const struct arguments *a, int (*main)(void *), void *argument) {
  long result;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t" /* the end of a stack's frames */
      "mov %[argument], %%rdi\n\t"
      "call *%[main]\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "a"((long)CLONE3), "D"(a), "S"(sizeof *a), [main] "r"(main), [argument] "r"(argument)
      : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static long clone3(const struct arguments *a, int (*main)(void *), void *argument) {
  register long number __asm__("x8") = CLONE3;
  register const struct arguments *x0 __asm__("x0") = a;
  register size_t x1 __asm__("x1") = sizeof *a;
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, #0\n\t"
      "mov x0, %[argument]\n\t"
      "blr %[main]\n\t"
      "brk #1\n"
      "1:"
      : "+r"(x0)
      : "r"(number), "r"(x1), [main] "r"(main), [argument] "r"(argument)
      : "memory");
  return (long)x0;
}
#else
static long clone3(const struct arguments *a, int (*main)(void *), void *argument) { return (void)a, (void)main, (void)argument, -ENOSYS; }
#endif

pid_t sv_spawn(int (*main)(void *), void *argument, void *stack, size_t stack_bytes, int cgroup) {
  if (cgroup < 0) return clone(main, (char *)stack + stack_bytes, FLAGS | SIGCHLD, argument);
  const struct arguments a = {
      .flags = FLAGS | INTO_CGROUP,
      .exit_signal = SIGCHLD,
      .stack = (uint64_t)(uintptr_t)stack,
      .stack_size = stack_bytes,
      .cgroup = (uint64_t)cgroup,
  };
  const long result = clone3(&a, main, argument);
  if (result >= 0) return (pid_t)result;
  errno = (int)-result;
  return -1;
}
