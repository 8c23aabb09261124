"""The one form of types and values: what must be told apart is, and what is equal is found equal."""

import datetime
import decimal
import unittest

import values


class ValuesTest(unittest.TestCase):
    def same(self, kind, *forms):
        found = {values.canonical(form, kind) for form in forms}
        self.assertEqual(len(found), 1, found)
        return found.pop()

    def test_numbers_that_differ_in_a_bit_differ(self):
        self.assertNotEqual(values.canonical(0.0, "double"), values.canonical(-0.0, "double"))
        self.assertEqual(self.same("double", float("nan"), "nan"), "nan")
        self.assertNotEqual(values.canonical(0.1, "double"), values.canonical(0.1 + 2**-56, "double"))
        self.same("float", "0.1", 0.10000000149011612)
        self.same("long", 9_007_199_254_740_993, "9007199254740993")

    def test_decimals_keep_all_digits_of_their_scale(self):
        self.assertEqual(self.same("decimal(38,2)", "123456789012345678901234567890123456.1",
                                   decimal.Decimal("123456789012345678901234567890123456.10")),
                         "123456789012345678901234567890123456.10")
        self.assertEqual(self.same("decimal(5,1)", "-0.0", 0), "0.0")
        with self.assertRaises(decimal.Inexact):
            values.canonical("1.23", "decimal(5,1)")

    def test_dates_and_times_of_any_year(self):
        self.assertEqual(self.same("date", datetime.date(2024, 2, 29), "2024-02-29", 19_782), 19_782)
        self.assertEqual(values.canonical("0001-01-01", "date"), datetime.date(1, 1, 1).toordinal() - 719_163)
        self.assertEqual(values.canonical("0001-12-31 (BC)", "date") + 1, values.canonical("0001-01-01", "date"))
        self.assertEqual(values.canonical("10000-01-01", "date"), 2_932_897)
        self.same("timestamp", datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999, datetime.timezone.utc),
                  "1969-12-31 23:59:59.999999+00", -1)
        self.same("timestamp_ntz", "2024-02-29 12:00:00.5", 1_709_208_000_500_000)
        self.same("timestamp", "0044-03-15 (BC) 01:02:03.5+00", -63_517_820_276_500_000)

    def test_bytes_come_as_they_are_or_as_duckdb_writes_them(self):
        self.assertEqual(self.same("binary", b"a\x00\\\xff", bytearray(b"a\x00\\\xff"), "a\\x00\\x5C\\xFF"), "61005cff")

    def test_nested_values(self):
        kind = ("struct", (("a", ("array", "integer")), ("m", ("map", "string", "double"))))
        self.same(kind, {"a": [1, None], "m": {"x": 1.0, "y": None}}, {"a": [1, None], "m": [("y", None), ("x", 1)]})
        self.assertNotEqual(values.canonical({"a": None, "m": None}, kind), None)

    def test_types_have_one_form(self):
        self.assertEqual(values.type_of_duckdb('STRUCT("a b" INTEGER[][], m MAP(VARCHAR, DECIMAL(10,2)))[]'),
                         ("array", ("struct", (("a b", ("array", ("array", "integer"))),
                                               ("m", ("map", "string", "decimal(10,2)"))))))
        self.assertEqual(values.type_of_delta({"type": "struct", "fields": [{"name": "t", "type": "timestamp_ntz"}]}),
                         ("struct", (("t", values.type_of_duckdb("TIMESTAMP")),)))


if __name__ == "__main__":
    unittest.main()
