# SPDX-License-Identifier: Apache-2.0
#
# compare.awk - medians, ratios and the table of bench/compare
#
# Reads lines "who operation size batch value", "cpu operation size batch bytes
# user system user system" and "backend NAME". Works with any awk.

function median(who, row,    n, i, j, keep, list)
{
	n = count[who, row]
	if (!n)
		return ""
	for (i = 1; i <= n; i++)
		list[i] = value[who, row, i]
	for (i = 2; i <= n; i++) {
		keep = list[i]
		for (j = i - 1; j >= 1 && list[j] > keep; j--)
			list[j + 1] = list[j]
		list[j + 1] = keep
	}
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function shown(number, format)
{
	return number == "" ? "-" : sprintf(format, number)
}

function quotient(a, b)
{
	return b == "" ? "" : a / b
}

function null(number, format)
{
	return number == "" ? "null" : sprintf(format, number)
}

function latency(row)
{
	return row ~ /^(ping|load-one) /
}

function size_text(bytes)
{
	if (bytes % 1048576 == 0)
		return bytes / 1048576 " MiB"
	return bytes % 1024 == 0 ? bytes / 1024 " KiB" : bytes " B"
}

$1 == "backend" {
	backend = $2
	next
}

$1 == "cpu" {
	if ($2 == "load") {
		loaded += $5
		user += $8 - $6
		sys += $9 - $7
	}
	next
}

{
	row = $2 " " $3 " " $4
	if (!(row in seen)) {
		seen[row] = 1
		rows[++total] = row
	}
	value[$1, row, ++count[$1, row]] = $5 + 0
}

function print_row(row,    part, ours, raw, perftest)
{
	split(row, part, " ")
	ours = median("ours", row)
	raw = median("raw", row)
	perftest = median("perftest", row)
	printf "%-9s %8s %6d  %5s %9.1f %9.1f %9s %9.2f %14s\n", part[1], size_text(part[2]),
		part[3], latency(row) ? "us" : "MB/s", ours, raw, shown(perftest, "%.1f"),
		ours / raw, shown(quotient(ours, perftest), "%.2f")
	if (!latency(row) && count["perftest", row] < rounds)
		missing = missing sprintf("  %s of %s: a figure in %d of %d rounds\n", part[1],
			size_text(part[2]), count["perftest", row], rounds)
}

function print_json(row, last,    part, ours, raw, perftest, against)
{
	split(row, part, " ")
	ours = median("ours", row)
	raw = median("raw", row)
	perftest = median("perftest", row)
	against = 2 * count["perftest", row] > rounds ? "perftest" : "raw"
	printf "    {\"operation\": \"%s\", \"size\": %d, \"batch\": %d, \"unit\": \"%s\", " \
		"\"ours\": %.2f, \"raw\": %.2f, \"perftest\": %s, \"ratio\": %.3f, " \
		"\"against\": \"%s\"}%s\n", part[1], part[2], part[3],
		latency(row) ? "us" : "MB/s", ours, raw, null(perftest, "%.2f"),
		ours / (against == "raw" ? raw : perftest), against, last ? "" : "," >json
}

# Frames of a session on either side, both directions: 16 credits of 16 KiB on
# the control lane, 16 of 4 KiB on each of two data lanes.
function pinned()
{
	return 2 * 16 * 16384 + 2 * (2 * 16 * 4096)
}

END {
	gib = loaded / 1073741824
	printf "%s on %s, medians of %d rounds; MB/s are 10^6 bytes a second, us are p50\n\n",
		device, backend, rounds
	printf "%-9s %8s %6s  %5s %9s %9s %9s %9s %14s\n", "operation", "size", "batch", "unit",
		"ours", "raw", "perftest", "ours/raw", "ours/perftest"
	for (i = 1; i <= total; i++)
		print_row(rows[i])
	printf "\nserver CPU per GiB loaded: %.3f s user, %.3f s system\n", user / 1e6 / gib,
		sys / 1e6 / gib
	if (!user)
		print "  (no user time at all: this kernel counts it as system time, the device's work too)"
	printf "pinned for a session, each side: %d KiB\n", pinned() / 1024
	if (missing != "")
		printf "\nperftest printed 0.00 or inf, failed, or is not installed (\"-\" if it never worked):\n%s",
			missing
	if (json == "")
		exit
	printf "{\n  \"device\": \"%s\", \"backend\": \"%s\", \"rounds\": %d,\n", device, backend,
		rounds >json
	printf "  \"server_user_s_per_gib\": %.4f, \"server_system_s_per_gib\": %.4f,\n",
		user / 1e6 / gib, sys / 1e6 / gib >json
	printf "  \"pinned_bytes_per_session\": %d,\n  \"rows\": [\n", pinned() >json
	for (i = 1; i <= total; i++)
		print_json(rows[i], i == total)
	print "  ]\n}" >json
	if (close(json))
		exit 1
}
