# What R says about every cohort: survival curves, quantiles, points, log-rank tests.
# Run after make_inputs.py. Numbers have 15 significant digits; two runs write the same bytes.
suppressPackageStartupMessages(library(survival))

argument <- grep("^--file=", commandArgs(FALSE), value = TRUE)
here <- if (length(argument)) dirname(sub("^--file=", "", argument[1])) else "."
at <- function(name) file.path(here, name)
digits <- function(x) ifelse(is.na(x), "", sprintf("%.15g", x))
bits <- function(x) sprintf("%.17g", x)  # read back to the last bit

write_gz <- function(frame, name) {
  connection <- gzfile(at(name), "wb")
  write.csv(frame, connection, row.names = FALSE, quote = FALSE, eol = "\n")
  close(connection)
}

TYPES <- c("plain", "log", "log-log", "logit", "arcsin")
PROBS <- c(0.25, 0.5, 0.75)

input <- read.csv(gzfile(at("cohorts.csv.gz")), colClasses = c(time = "character", entry = "character"))
input$time <- as.numeric(input$time)
input$entry <- as.numeric(input$entry)

response <- function(d) {
  if (any(d$kind == "delayed_entry")) Surv(d$entry, d$time, d$event) else Surv(d$time, d$event)
}

# Each group is fitted by itself: then no version of survfit can mix up the labels of groups.
# Near ties are merged over the whole cohort first, as survfit(~ group) would.
curves <- list(); quantiles <- list(); points <- list(); tests <- list()
for (cohort in unique(input$cohort)) {
  d <- input[input$cohort == cohort, ]
  y <- aeqSurv(response(d))
  for (group in sort(unique(d$group))) {
    mine <- y[d$group == group]
    rows <- NULL
    for (type in TYPES) {
      fit <- survfit(mine ~ 1, conf.type = type, timefix = FALSE)
      if (is.null(rows)) {
        rows <- data.frame(cohort = cohort, group = group, time = bits(fit$time), n_at_risk = fit$n.risk,
                           n_event = fit$n.event, n_censored = fit$n.censor, survival = digits(fit$surv),
                           std_error = digits(summary(fit, censored = TRUE)$std.err))
      }
      rows[[paste0(type, "_lower")]] <- digits(fit$lower)
      rows[[paste0(type, "_upper")]] <- digits(fit$upper)
      median <- summary(fit)$table[c("median", "0.95LCL", "0.95UCL")]
      q <- quantile(fit, PROBS)
      quantiles[[length(quantiles) + 1]] <- data.frame(
        cohort = cohort, group = group, ci = type, rule = c("summary", rep("quantile", 3)), p = c(0.5, PROBS),
        estimate = digits(c(median[1], q$quantile)), ci_lower = digits(c(median[2], q$lower)),
        ci_upper = digits(c(median[3], q$upper)))
    }
    curves[[length(curves) + 1]] <- rows
    if (!any(d$kind == "delayed_entry")) {
      fit <- survfit(mine ~ 1, conf.type = "log-log", timefix = FALSE)
      asked <- unique(quantile(fit$time, c(0, 0.2, 0.5, 0.8), type = 1))
      asked <- sort(unique(c(asked, asked / 2)))
      s <- summary(fit, times = asked)
      points[[length(points) + 1]] <- data.frame(
        cohort = cohort, group = group, time = bits(s$time), n_at_risk = s$n.risk, survival = digits(s$surv),
        ci_lower = digits(s$lower), ci_upper = digits(s$upper))
    }
  }
  if (any(d$kind == "delayed_entry")) next
  for (rho in c(0, 1)) for (stratified in unique(c(FALSE, any(d$stratum > 0)))) {
    test <- tryCatch(
      if (stratified) survdiff(Surv(time, event) ~ group + strata(stratum), d, rho = rho)
      else survdiff(Surv(time, event) ~ group, d, rho = rho),
      error = function(e) NULL)
    if (is.null(test)) {
      row <- data.frame(cohort = cohort, rho = rho, stratified = stratified, observed = "", expected = "",
                        variance = "", statistic = "refused")
    } else {
      total <- function(x) if (is.matrix(x)) rowSums(x) else x
      row <- data.frame(cohort = cohort, rho = rho, stratified = stratified,
                        observed = paste(digits(total(test$obs)), collapse = " "),
                        expected = paste(digits(total(test$exp)), collapse = " "),
                        variance = paste(digits(c(test$var)), collapse = " "), statistic = digits(test$chisq))
    }
    tests[[length(tests) + 1]] <- row
  }
}
write_gz(do.call(rbind, curves), "curves.csv.gz")
write_gz(do.call(rbind, quantiles), "quantiles.csv.gz")
write_gz(do.call(rbind, points), "points.csv.gz")
write_gz(do.call(rbind, tests), "log_rank.csv.gz")

writeLines(c(R.version.string, paste("platform", R.version$platform),
             paste("survival", packageVersion("survival"))), at("sessionInfo.txt"))
