<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

class IndexController extends \OPNsense\Base\IndexController
{
    public function indexAction()
    {
        Modules::give($this->view);
        $this->view->pick('OPNsense/Hearth/overview');
    }
}
