# A SAS data set of five rows, written by haven: special missing values, dates, times, a label, text in UTF-8.
# The date of the file is taken out, so that a second run writes the same bytes.
suppressPackageStartupMessages(library(haven))
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))

cases <- data.frame(id = c("001", "002", "003", "004", "005"), stringsAsFactors = FALSE)
cases$weight <- c(65.5, tagged_na("A"), tagged_na("Z"), 0, NA)
cases$start <- as.Date(c("2016-03-04", "2016-03-05", NA, "1959-12-31", "2015-02-28"))
cases$seen <- as.POSIXct(
  c("2016-03-04 10:30:00", "2016-03-05 00:00:00", NA, "1960-01-01 00:00:00", "2015-02-28 23:59:59"), tz = "UTC")
cases$note <- c("不明", "a, b", "", "x", "é")
attr(cases$weight, "label") <- "Weight, kg"

plain <- tempfile()
suppressWarnings(write_sas(cases, plain))
bytes <- readBin(plain, "raw", file.info(plain)$size)
bytes[165:180] <- as.raw(0) # created, modified
out <- gzfile(file.path(here, "cases.sas7bdat.gz"), "wb")
writeBin(bytes, out)
close(out)
