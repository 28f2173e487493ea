# Permutation log-rank tests by coin and by brute force over survdiff; maximally selected statistics by maxstat;
# trend and pairwise log-rank tests from survdiff's observed, expected and variance.
# Run after make_permutation_inputs.py (and make_inputs.py, whose cohorts of several groups are read).
# Numbers have 15 significant digits; two runs write the same bytes.
suppressPackageStartupMessages({library(survival); library(coin); library(maxstat)})

argument <- grep("^--file=", commandArgs(FALSE), value = TRUE)
here <- if (length(argument)) dirname(sub("^--file=", "", argument[1])) else "."
at <- function(name) file.path(here, name)
digits <- function(x) ifelse(is.na(x), "", sprintf("%.15g", x))

write_gz <- function(frame, name) {
  connection <- gzfile(at(name), "wb")
  write.csv(frame, connection, row.names = FALSE, quote = FALSE, eol = "\n")
  close(connection)
}
read_gz <- function(name) {
  frame <- read.csv(gzfile(at(name)), colClasses = c(time = "character"))
  frame$time <- as.numeric(frame$time)
  frame
}

# ---- two groups: coin's exact p of the score; every labelling through survdiff where they are few
BRUTE_FORCE <- 130
extreme <- function(values, observed) sum(values >= observed - 1e-9 * max(1, abs(observed)))

input <- read_gz("permutation_cohorts.csv.gz")
rows <- lapply(unique(input$cohort), function(cohort) {
  d <- input[input$cohort == cohort, ]
  y <- aeqSurv(Surv(d$time, d$event))
  time <- y[, "time"]; event <- y[, "status"]
  first <- d$group == 0
  p <- if (!any(event == 1)) NA else
    tryCatch(pvalue(logrank_test(Surv(time, event) ~ factor(d$group), distribution = "exact")), error = function(e) NA)
  score <- studentised <- NA
  possible <- choose(nrow(d), sum(first))
  if (possible <= BRUTE_FORCE && any(event == 1)) {
    labellings <- combn(nrow(d), sum(first))
    of <- function(who) {
      t <- survdiff(Surv(time, event) ~ factor(seq_len(nrow(d)) %in% who))
      u <- t$obs[1] - t$exp[1]
      v <- t$var[1, 1]
      c(abs(u), if (v > 1e-12) u^2 / v else -1)
    }
    all <- apply(labellings, 2, of)
    mine <- of(which(first))
    score <- extreme(all[1, ], mine[1])
    if (mine[2] >= 0) studentised <- extreme(all[2, all[2, ] >= 0], mine[2])
  }
  data.frame(cohort = cohort, possible = digits(possible), coin = digits(p), score = digits(score),
             studentised = digits(studentised))
})
write_gz(do.call(rbind, rows), "permutation.csv.gz")

# ---- the best cut of a marker. Its scores have no ties here, and n is a multiple of 10, so 10 % is a whole number.
markers <- read_gz("permutation_markers.csv.gz")
rows <- lapply(unique(markers$set), function(set) {
  d <- markers[markers$set == set, ]
  m <- maxstat.test(Surv(time, event) ~ marker, data = d, smethod = "LogRank", pmethod = "none")
  data.frame(set = set, statistic = digits(unname(m$statistic)), cut_point = digits(unname(m$estimate)),
             n_cuts = length(m$cuts))
})
write_gz(do.call(rbind, rows), "permutation_maxstat.csv.gz")

# ---- several groups: trend, with the position of each declared level as its score, and every pair
input <- read.csv(gzfile(at("cohorts.csv.gz")), colClasses = c(time = "character", entry = "character"))
input$time <- as.numeric(input$time)
input <- input[input$kind == "several_groups", ]
trends <- list(); pairs <- list()
for (cohort in unique(input$cohort)) {
  d <- input[input$cohort == cohort, ]
  d$half <- seq_len(nrow(d)) %% 2
  for (stratified in c(FALSE, TRUE)) {
    test <- function(d) if (stratified) survdiff(Surv(time, event) ~ group + strata(half), d)
                        else survdiff(Surv(time, event) ~ group, d)
    total <- function(x) if (is.matrix(x)) rowSums(x) else x
    t <- test(d)
    s <- sort(unique(d$group)) + 1
    statistic <- sum(s * (total(t$obs) - total(t$exp)))^2 / drop(s %*% t$var %*% s)
    trends[[length(trends) + 1]] <- data.frame(
      cohort = cohort, stratified = stratified, statistic = digits(statistic),
      p_value = digits(pchisq(statistic, 1, lower.tail = FALSE)))
    who <- combn(sort(unique(d$group)), 2)
    two <- apply(who, 2, function(pair) tryCatch({
      t <- test(d[d$group %in% pair, ])
      if (t$var[1, 1] > 1e-12) t$chisq else NA
    }, error = function(e) NA))
    p <- pchisq(two, 1, lower.tail = FALSE)
    pairs[[length(pairs) + 1]] <- data.frame(
      cohort = cohort, stratified = stratified, group_1 = who[1, ], group_2 = who[2, ], statistic = digits(two),
      p_value = digits(p), holm = digits(p.adjust(p, "holm")), BH = digits(p.adjust(p, "BH")))
  }
}
write_gz(do.call(rbind, trends), "permutation_trend.csv.gz")
write_gz(do.call(rbind, pairs), "permutation_pairs.csv.gz")

# The Veterans' Administration lung cancer trial, whose trend and pairs are known answers of tests/stats.
write_gz(veteran[c("celltype", "time", "status", "trt")], "permutation_veteran.csv.gz")

writeLines(c(R.version.string, paste("platform", R.version$platform),
             sapply(c("survival", "coin", "maxstat"), function(p) paste(p, packageVersion(p)))),
           at("permutation_sessionInfo.txt"))
