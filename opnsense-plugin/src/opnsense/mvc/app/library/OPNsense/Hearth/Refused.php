<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

/**
 * Why what is declared did not come into force.
 */
class Refused extends \Exception
{
    /**
     * @param string $message sentence for people
     * @param string $details what the agent itself said, as it said it
     */
    public function __construct(string $message, public readonly string $details = '')
    {
        parent::__construct($message);
    }
}
