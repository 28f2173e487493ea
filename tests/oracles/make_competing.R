# Cumulative incidence and its jackknife by R's survival; Gray's test by cmprsk; Fine and Gray's model in both of R's
# forms. Run after make_competing_inputs.py. Two runs write the same bytes.
suppressPackageStartupMessages({library(survival); library(cmprsk)})

argument <- grep("^--file=", commandArgs(FALSE), value = TRUE)
here <- if (length(argument)) dirname(sub("^--file=", "", argument[1])) else "."
at <- function(name) file.path(here, name)
digits <- function(x) ifelse(is.na(x), "", sprintf("%.15g", x))
write_gz <- function(frame, name) {
  connection <- gzfile(at(name), "wb")
  write.csv(frame, connection, row.names = FALSE, quote = FALSE, eol = "\n")
  close(connection)
}

input <- read.csv(gzfile(at("competing.csv.gz")), colClasses = c(time = "character"))
input$time <- as.numeric(input$time)
control <- suppressWarnings(coxph.control(eps = 1e-14, iter.max = 100))  # it would like toler.chol below eps

quietly <- function(expression) {
  warned <- FALSE
  value <- withCallingHandlers(
    tryCatch(expression, error = function(e) NULL),
    warning = function(w) { warned <<- TRUE; invokeRestart("muffleWarning") })
  list(value = value, warned = warned)
}

curves <- list(); tests <- list(); models <- list()
for (cohort in unique(input$cohort)) {
  d <- input[input$cohort == cohort, ]
  d$state <- factor(d$cause, 0:2)
  d$id <- seq_len(nrow(d))
  # Near ties are merged over the whole cohort first, as survfit(~ group) would; cmprsk does not merge them.
  d$time <- aeqSurv(Surv(d$time, rep(1, nrow(d))))[, 1]
  for (group in sort(unique(d$group))) {
    mine <- d[d$group == group, ]
    fit <- survfit(Surv(time, state) ~ 1, mine, conf.type = "log-log")
    se <- if (is.matrix(fit$std.err)) fit$std.err else matrix(fit$std.err, nrow = length(fit$time))
    p <- fit$pstate
    for (cause in 1:2) {
      column <- match(as.character(cause), fit$states)
      curves[[length(curves) + 1]] <- data.frame(
        cohort = cohort, group = group, cause = cause, time = sprintf("%.17g", fit$time), estimate = digits(p[, column]),
        std_error = digits(se[, column]), ci_lower = digits(fit$lower[, column]), ci_upper = digits(fit$upper[, column]))
    }
  }
  gray <- quietly(cuminc(d$time, d$cause, d$group)$Tests)$value
  for (cause in 1:2) {
    name <- as.character(cause)
    known <- !is.null(gray) && name %in% rownames(gray)
    tests[[length(tests) + 1]] <- data.frame(
      cohort = cohort, cause = cause, statistic = if (known) digits(gray[name, "stat"]) else "",
      df = if (known) gray[name, "df"] else "")
  }
  expanded <- quietly(finegray(Surv(time, state) ~ group + x + id, d))$value
  for (ties in c("breslow", "efron")) {
    made <- if (is.null(expanded)) list(value = NULL, warned = TRUE) else quietly(
      coxph(Surv(fgstart, fgstop, fgstatus) ~ group + x, expanded, weights = fgwt, ties = ties, cluster = id,
            control = control))
    fit <- made$value
    row <- data.frame(cohort = cohort, ties = ties, events = sum(d$cause == 1), warned = made$warned)
    numbers <- if (is.null(fit)) rep(NA, 6) else c(coef(fit), sqrt(pmax(diag(fit$var), 0)), fit$loglik)
    names(numbers) <- c("coef_1", "coef_2", "se_1", "se_2", "null", "fitted")
    for (name in names(numbers)) row[[name]] <- digits(numbers[[name]])
    crr <- if (ties == "efron") NULL else quietly(crr(d$time, d$cause, cbind(d$group, d$x), gtol = 1e-12))$value
    row$crr_1 <- digits(if (is.null(crr)) NA else crr$coef[1])
    row$crr_2 <- digits(if (is.null(crr)) NA else crr$coef[2])
    models[[length(models) + 1]] <- row
  }
}
write_gz(do.call(rbind, curves), "cumulative_incidence.csv.gz")
write_gz(do.call(rbind, tests), "gray.csv.gz")
write_gz(do.call(rbind, models), "fine_gray.csv.gz")
writeLines(c(R.version.string, paste("platform", R.version$platform), paste("survival", packageVersion("survival")),
             paste("cmprsk", packageVersion("cmprsk"))), at("competing_sessionInfo.txt"))
