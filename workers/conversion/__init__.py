"""What conversions share: the input in chunks, a stage that reads them, and an account of every record.

A converter of a wing adds what its format means (`read` in a worker) and what is made of it. Stage `read` leaves parts
and, for each part, a table of outcomes; stage `account` turns these into one row for each record of the input.
"""
