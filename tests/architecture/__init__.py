"""Rules of the house as programs. An exemption is written next to the thing it exempts."""
