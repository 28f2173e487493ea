# What R says about counts: Fisher's tests, chi-square, intervals of a proportion, adjusted P values.
# Run after make_contingency_inputs.py. Numbers have 15 significant digits; two runs write the same bytes.
argument <- grep("^--file=", commandArgs(FALSE), value = TRUE)
here <- if (length(argument)) dirname(sub("^--file=", "", argument[1])) else "."
at <- function(name) file.path(here, name)
digits <- function(x) ifelse(is.na(x), "", sprintf("%.15g", x))

write_gz <- function(frame, name) {
  connection <- gzfile(at(name), "wb")
  write.csv(frame, connection, row.names = FALSE, quote = FALSE, eol = "\n")
  close(connection)
}

tables <- read.csv(gzfile(at("tables.csv.gz")))
fisher <- lapply(seq_len(nrow(tables)), function(i) {
  r <- tables[i, ]
  m <- matrix(c(r$x1, r$n1 - r$x1, r$x2, r$n2 - r$x2), 2, byrow = TRUE)
  answer <- function(...) tryCatch(fisher.test(m, ...), error = function(e) NULL)
  both <- answer()
  p <- function(test) if (is.null(test)) "refused" else digits(test$p.value)
  chi <- function(correct) suppressWarnings(tryCatch(chisq.test(m, correct = correct), error = function(e) NULL))
  pearson <- chi(FALSE); yates <- chi(TRUE)
  statistic <- function(test) if (is.null(test)) "refused" else digits(test$statistic)
  n <- max(r$n1, 1); x <- min(r$x1, n)
  wilson <- suppressWarnings(prop.test(x, n, correct = FALSE)$conf.int)
  exact <- binom.test(x, n)$conf.int
  jeffreys <- qbeta(c(0.025, 0.975), x + 0.5, n - x + 0.5)
  part <- function(x) if (is.null(both)) "refused" else digits(x)
  data.frame(p_two_sided = p(both), p_less = p(answer(alternative = "less")),
             p_greater = p(answer(alternative = "greater")), odds_ratio = part(both$estimate),
             ci_lower = part(both$conf.int[1]), ci_upper = part(both$conf.int[2]),
             pearson = statistic(pearson), p_pearson = p(pearson), yates = statistic(yates), p_yates = p(yates),
             x = x, n = n, wilson_lower = digits(wilson[1]), wilson_upper = digits(wilson[2]),
             clopper_lower = digits(exact[1]), clopper_upper = digits(exact[2]),
             jeffreys_lower = digits(jeffreys[1]), jeffreys_upper = digits(jeffreys[2]))
})
write_gz(cbind(tables, do.call(rbind, fisher)), "fisher.csv.gz")

matrices <- read.csv(gzfile(at("matrices.csv.gz")))
matrices$p_value <- sapply(seq_len(nrow(matrices)), function(i) {
  cells <- as.integer(strsplit(matrices$cells[i], " ")[[1]])
  m <- matrix(cells, nrow = matrices$rows[i], byrow = TRUE)
  tryCatch(digits(fisher.test(m, workspace = 2e7)$p.value), error = function(e) "refused")
})
write_gz(matrices, "freeman_halton.csv.gz")

families <- read.csv(gzfile(at("families.csv.gz")), colClasses = "character")
for (method in c("bonferroni", "holm", "hochberg", "hommel", "BH", "BY")) {
  families[[method]] <- sapply(strsplit(families$p, " "), function(p) {
    adjusted <- p.adjust(suppressWarnings(as.numeric(p)), method)
    paste(ifelse(is.na(adjusted), "NA", sprintf("%.15g", adjusted)), collapse = " ")
  })
}
write_gz(families, "p_adjust.csv.gz")
