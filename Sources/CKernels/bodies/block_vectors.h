// The vectors of block_formats.h: LANES rows of weights.
typedef int32_t vi __attribute__((ext_vector_type(LANES)));
typedef uint32_t vu __attribute__((ext_vector_type(LANES)));
typedef uint16_t vus __attribute__((ext_vector_type(LANES)));
typedef float vf __attribute__((ext_vector_type(LANES)));
typedef _Float16 vh __attribute__((ext_vector_type(LANES)));
typedef uint8_t vb __attribute__((ext_vector_type(LANES)));
typedef vi vi_any __attribute__((aligned(1)));
typedef vf vf_any __attribute__((aligned(4)));
typedef vh vh_any __attribute__((aligned(1)));
typedef vb vb_any __attribute__((aligned(1)));
