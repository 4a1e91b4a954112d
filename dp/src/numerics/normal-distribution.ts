/**
 * The normal distribution, accurate in relative terms far into both tails.
 *
 * erf and erfc follow the rational approximations of fdlibm (Sun Microsystems 1993, `s_erf.c`, error below 1 ulp); the
 * logarithm of the tail is taken from the same pieces before anything can underflow.
 * @module
 */

const SQRT_HALF = Math.SQRT1_2;
const HALF_LOG_TWO_PI = 0.9189385332046728;

/** Φ(x) */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x * SQRT_HALF);
}

/** ln Φ(x), finite for every finite x: −x²/2 − ln(|x| √2π) + … far below. */
export function logNormalCdf(x: number): number {
  if (x > -1) return x > 6 ? Math.log1p(-0.5 * erfc(x * SQRT_HALF)) : Math.log(normalCdf(x));
  return logErfcPositive(-x * SQRT_HALF) - Math.LN2;
}

/** ln of the density of N(0, 1) at x. */
export function logNormalDensity(x: number): number {
  return -0.5 * x * x - HALF_LOG_TWO_PI;
}

/**
 * The x with ln Φ(x) = logProbability, by Newton on the logarithm, which is concave and so converges from anywhere.
 * @param logProbability - < 0
 */
export function normalQuantileOfLog(logProbability: number): number {
  // Start: the tail expansion below, the middle above.
  let x = logProbability < -1 ? -Math.sqrt(-2 * logProbability) : 0;
  if (logProbability > -1e-3) x = Math.sqrt(-2 * Math.log(-logProbability));
  for (let i = 0; i < 60; i++) {
    const value = logNormalCdf(x);
    const slope = Math.exp(logNormalDensity(x) - value);
    const step = (value - logProbability) / slope;
    const next = x - Math.max(-4, Math.min(4, step));
    if (Math.abs(next - x) <= 1e-15 * Math.max(1, Math.abs(x))) return next;
    x = next;
  }
  return x;
}

/** The complementary error function. */
export function erfc(x: number): number {
  const a = Math.abs(x);
  if (a < 0.84375) return a < 2 ** -56 ? 1 - x : erfcNearZero(x);
  if (a < 1.25) return x >= 0 ? 1 - ERX - erfMiddle(a - 1) : 1 + (ERX + erfMiddle(a - 1));
  if (x < -6) return 2;
  if (x > 28) return 0;
  // exp(−a²) loses digits when a² is rounded, so a is split into a short head and a rest.
  const head = Math.fround(a);
  const r =
    (Math.exp(-head * head - 0.5625) * Math.exp((head - a) * (head + a) + tailRatio(a))) / a;
  return x > 0 ? r : 2 - r;
}

/** ln erfc(x) for x > 0, without underflow. */
function logErfcPositive(x: number): number {
  if (x < 1.25) return Math.log(erfc(x));
  if (x < 28) return -x * x - 0.5625 + tailRatio(x) - Math.log(x);
  // Asymptotic: erfc(x) = exp(−x²)/(x√π) · (1 − 1/(2x²) + 3/(4x⁴) − …); two terms give 1e−12 at x = 28.
  const y = 1 / (2 * x * x);
  return -x * x - Math.log(x * Math.sqrt(Math.PI)) + Math.log1p(-y + 3 * y * y - 15 * y ** 3);
}

const ERX = 8.45062911510467529297e-1;

function erfcNearZero(x: number): number {
  const z = x * x;
  const r =
    1.28379167095512558561e-1 +
    z *
      (-3.2504210724700149937e-1 +
        z *
          (-2.84817495755985104766e-2 +
            z * (-5.77027029648944159157e-3 + z * -2.37630166566501626084e-5)));
  const s =
    1 +
    z *
      (3.97917223959155352819e-1 +
        z *
          (6.50222499887672944485e-2 +
            z *
              (5.08130628187576562776e-3 +
                z * (1.32494738004321644526e-4 + z * -3.9602282787753681232e-6))));
  const y = r / s;
  return x < 0.25 ? 1 - (x + x * y) : 0.5 - (x - 0.5 + x * y);
}

/** erf(1 + s) − ERX on |s| < 0.41. */
function erfMiddle(s: number): number {
  const p =
    -2.36211856075265944077e-3 +
    s *
      (4.14856118683748331666e-1 +
        s *
          (-3.72207876035701323847e-1 +
            s *
              (3.18346619901161753674e-1 +
                s *
                  (-1.10894694282396677476e-1 +
                    s * (3.54783043256182359371e-2 + s * -2.166375594868790843e-3)))));
  const q =
    1 +
    s *
      (1.06420880400844228286e-1 +
        s *
          (5.40397917702171048937e-1 +
            s *
              (7.18286544141962662868e-2 +
                s *
                  (1.26171219808761642112e-1 +
                    s * (1.36370839120290507362e-2 + s * 1.1984499846799107417e-2)))));
  return p / q;
}

/** R/S with erfc(x) = exp(−x² − 0.5625 + R/S) / x, for x in [1.25, 28]. */
function tailRatio(x: number): number {
  const s = 1 / (x * x);
  if (x < 1 / 0.35) {
    const r =
      -9.86494403484714822705e-3 +
      s *
        (-6.93858572707181764372e-1 +
          s *
            (-1.05586262253232909814e1 +
              s *
                (-6.23753324503260060396e1 +
                  s *
                    (-1.62396669462573470355e2 +
                      s *
                        (-1.84605092906711035994e2 +
                          s * (-8.12874355063065934246e1 + s * -9.81432934416914548592))))));
    const t =
      1 +
      s *
        (1.96512716674392571292e1 +
          s *
            (1.376577541435190426e2 +
              s *
                (4.34565877475229228821e2 +
                  s *
                    (6.45387271733267880336e2 +
                      s *
                        (4.29008140027567833386e2 +
                          s *
                            (1.08635005541779435134e2 +
                              s * (6.57024977031928170135 + s * -6.04244152148580987438e-2)))))));
    return r / t;
  }
  const r =
    -9.86494292470009928597e-3 +
    s *
      (-7.99283237680523006574e-1 +
        s *
          (-1.77579549177547519889e1 +
            s *
              (-1.60636384855821916062e2 +
                s *
                  (-6.37566443368389627722e2 +
                    s * (-1.02509513161107724954e3 + s * -4.83519191608651397019e2)))));
  const t =
    1 +
    s *
      (3.03380607434824582924e1 +
        s *
          (3.25792512996573918826e2 +
            s *
              (1.53672958608443695994e3 +
                s *
                  (3.19985821950859553908e3 +
                    s *
                      (2.55305040643316442583e3 +
                        s * (4.74528541206955367215e2 + s * -2.24409524465858183362e1))))));
  return r / t;
}
