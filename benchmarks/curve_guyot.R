# Guyot's algorithm in R, written from the paper (Guyot, Ades, Ouwens and Welton 2012, BMC Medical Research Methodology
# 12:9), one loop a click as there. It stands in for IPDfromKM::getIPD where that package is not installed.
# Arguments: file of clicks (time, survival), file of numbers at risk (time, n_at_risk), number of runs.
arguments <- commandArgs(trailingOnly = TRUE)
clicks <- read.csv(arguments[1]); risk <- read.csv(arguments[2]); runs <- as.integer(arguments[3])

guyot <- function(t, s, t_risk, n_risk) {
  k <- length(t); intervals <- length(t_risk)
  lower <- sapply(t_risk, function(x) which(t >= x)[1])
  upper <- c(lower[-1] - 1, k)
  n_censor <- rep(0, intervals); n_hat <- rep(n_risk[1] + 1, k + 1)
  censor <- rep(0, k); d <- rep(0, k); km <- rep(1, k); last <- rep(1, intervals)
  for (i in seq_len(intervals)) {
    if (i < intervals) {
      n_censor[i] <- max(round(n_risk[i] * s[lower[i + 1]] / s[lower[i]] - n_risk[i + 1]), 0)
    } else if (i > 1) {
      rate <- sum(n_censor[1:(i - 1)]) / (t_risk[i] - t_risk[1])
      n_censor[i] <- min(round(rate * (t[k] - t_risk[i])), n_risk[i])
    }
    repeat {
      censor[lower[i]:upper[i]] <- 0
      if (n_censor[i] > 0) {
        stop_at <- if (i < intervals) t[lower[i + 1]] else t[k]
        times <- t[lower[i]] + seq_len(n_censor[i]) * (stop_at - t[lower[i]]) / (n_censor[i] + 1)
        for (j in lower[i]:upper[i]) {
          end <- if (j < k) t[j + 1] else Inf
          censor[j] <- sum(times >= t[j] & times < end)
        }
      }
      n_hat[lower[i]] <- n_risk[i]
      l <- last[i]
      for (j in lower[i]:upper[i]) {
        if (i == 1 && j == lower[i]) {
          d[j] <- 0; km[j] <- 1
        } else {
          d[j] <- if (km[l] == 0) 0 else round(n_hat[j] * (1 - s[j] / km[l]))
          d[j] <- max(d[j], 0)
          km[j] <- km[l] * (1 - d[j] / n_hat[j])
        }
        n_hat[j + 1] <- n_hat[j] - d[j] - censor[j]
        if (d[j] != 0) l <- j
      }
      if (i == intervals) break
      surplus <- n_hat[upper[i] + 1] - n_risk[i + 1]
      if (surplus == 0 || (surplus < 0 && n_censor[i] == 0)) break
      n_censor[i] <- max(n_censor[i] + surplus, 0)
    }
    if (i < intervals) { n_risk[i + 1] <- n_hat[upper[i] + 1]; last[i + 1] <- l }
  }
  left <- n_hat[k + 1]
  data.frame(
    time = c(rep(t, d), rep(t, censor), rep(t[k], max(left, 0))),
    event = c(rep(1, sum(d)), rep(0, sum(censor)), rep(0, max(left, 0)))
  )
}

out <- guyot(clicks$time, clicks$survival, risk$time, risk$n_at_risk)
taken <- system.time(for (run in seq_len(runs)) guyot(clicks$time, clicks$survival, risk$time, risk$n_at_risk))
cat(1000 * (taken[["user.self"]] + taken[["sys.self"]]) / runs, nrow(out), sum(out$event), "\n")
