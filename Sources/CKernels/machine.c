// Probes of the machine's limits (stand-ins until the real ones land).
#include "internal.h"

double qk_measure_fma_gflops(int threads, double seconds) { (void)threads; (void)seconds; return 0; }
double qk_measure_read_gb_per_second(int threads, double seconds) { (void)threads; (void)seconds; return 0; }
