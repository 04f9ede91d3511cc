<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Api;

use OPNsense\Base\ApiMutableModelControllerBase;
use OPNsense\Base\UserException;
use OPNsense\Core\Config;

/**
 * What is declared: settings by get and set, and a search, get, add, set and del for each kind of row.
 */
class SettingsController extends ApiMutableModelControllerBase
{
    protected static $internalModelName = 'hearth';
    protected static $internalModelClass = 'OPNsense\Hearth\Hearth';

    /**
     * Sections that are one form; rows are asked for by their own actions.
     */
    private const SECTIONS = [
        'general', 'tftp', 'http', 'api', 'observe', 'events', 'fetch', 'dhcp', 'loaders', 'menu',
    ];

    /**
     * Held until the request is over, so that changes of what is declared come one after the other.
     */
    private $turn = null;

    /**
     * The core's lock of config.xml is let go of for a moment while it reads the file again (flock(2) turns an
     * exclusive lock into a shared one by giving it up first), and a change that another waits to make is lost.
     */
    public function initialize()
    {
        parent::initialize();
        if ($this->request->isPost()) {
            $this->turn = fopen(__FILE__, 'r');
            flock($this->turn, LOCK_EX);
        }
    }

    /**
     * {@inheritdoc}
     */
    protected function getModelNodes()
    {
        $result = [];
        foreach (self::SECTIONS as $section) {
            $result[$section] = $this->getModel()->$section->getNodes();
        }
        unset($result['loaders']['file']);
        /* for a warning beside the field */
        foreach ($this->getModel()->upstream() as $interface) {
            foreach (['general', 'api'] as $section) {
                if (isset($result[$section]['interfaces'][$interface])) {
                    $result[$section]['interfaces'][$interface]['upstream'] = 1;
                }
            }
        }
        return $result;
    }

    /**
     * A secret field keeps its value when an empty one is sent. What it belonged to is gone: so is the secret.
     */
    protected function setBaseHook($node)
    {
        if ($node->hasChild('omni_api') && !$node->omni_api->isSet()) {
            $node->omni_token->applyDefault();
        }
        if ($node->hasChild('secret') && $node->hasChild('type') && !$node->type->isEqual('secret')) {
            $node->secret->applyDefault();
        }
    }

    /**
     * Search that answers with these fields alone: the core's own answers with all of a row, secrets too.
     */
    private function searchShown($path, $fields, $sort)
    {
        $result = $this->searchBase($path, $fields, $sort);
        $shown = ['uuid' => ''];
        foreach ($fields as $field) {
            $shown += [$field => '', "%{$field}" => ''];
        }
        foreach ($result['rows'] as $index => $row) {
            $result['rows'][$index] = array_intersect_key($row, $shown);
        }
        return $result;
    }

    /**
     * Deletes rows that nothing refers to.
     */
    private function delUnused($path, $uuids)
    {
        if ($this->request->isPost()) {
            Config::getInstance()->lock();
            foreach (explode(',', (string)$uuids) as $uuid) {
                $row = $this->getModel()->getNodeByReference("{$path}.{$uuid}");
                $users = $row === null ? [] : $this->getModel()->usedBy($uuid);
                if (!empty($users)) {
                    throw new UserException(
                        sprintf(
                            gettext('%s is used by: %s. Choose something else there first.'),
                            $row->name->getValue(),
                            implode(', ', $users)
                        ),
                        gettext('It cannot be deleted yet')
                    );
                }
            }
        }
        return $this->delBase($path, $uuids);
    }

    /* images */

    public function searchImageAction()
    {
        return $this->searchShown(
            'images.image',
            ['name', 'recipe', 'version', 'architectures', 'extensions', 'kernel', 'url', 'description'],
            'name'
        );
    }

    public function getImageAction($uuid = null)
    {
        return $this->getBase('image', 'images.image', $uuid);
    }

    public function addImageAction()
    {
        return $this->addBase('image', 'images.image');
    }

    public function setImageAction($uuid)
    {
        return $this->setBase('image', 'images.image', $uuid);
    }

    public function delImageAction($uuid)
    {
        return $this->delUnused('images.image', $uuid);
    }

    /* profiles */

    public function searchProfileAction()
    {
        return $this->searchShown(
            'profiles.profile',
            ['name', 'label', 'image', 'arguments', 'installed', 'omni_api', 'description'],
            'name'
        );
    }

    public function getProfileAction($uuid = null)
    {
        return $this->getBase('profile', 'profiles.profile', $uuid);
    }

    public function addProfileAction()
    {
        return $this->addBase('profile', 'profiles.profile');
    }

    public function setProfileAction($uuid)
    {
        return $this->setBase('profile', 'profiles.profile', $uuid);
    }

    public function delProfileAction($uuid)
    {
        return $this->delUnused('profiles.profile', $uuid);
    }

    /* answers of profiles */

    public function searchAnswerAction()
    {
        return $this->searchShown('answers.answer', ['profile', 'name', 'description'], 'profile');
    }

    public function getAnswerAction($uuid = null)
    {
        return $this->getBase('answer', 'answers.answer', $uuid);
    }

    public function addAnswerAction()
    {
        return $this->addBase('answer', 'answers.answer');
    }

    public function setAnswerAction($uuid)
    {
        return $this->setBase('answer', 'answers.answer', $uuid);
    }

    public function delAnswerAction($uuid)
    {
        return $this->delBase('answers.answer', $uuid);
    }

    /* variables of profiles and machines */

    public function searchVariableAction()
    {
        return $this->searchShown(
            'variables.variable',
            ['profile', 'machine', 'name', 'type', 'value', 'description'],
            'name'
        );
    }

    public function getVariableAction($uuid = null)
    {
        return $this->getBase('variable', 'variables.variable', $uuid);
    }

    public function addVariableAction()
    {
        return $this->addBase('variable', 'variables.variable');
    }

    public function setVariableAction($uuid)
    {
        return $this->setBase('variable', 'variables.variable', $uuid);
    }

    public function delVariableAction($uuid)
    {
        return $this->delBase('variables.variable', $uuid);
    }

    /* policies, in their order */

    public function searchPolicyAction()
    {
        return $this->searchBase('policies.policy', null, 'sequence');
    }

    public function getPolicyAction($uuid = null)
    {
        return $this->getBase('policy', 'policies.policy', $uuid);
    }

    public function addPolicyAction()
    {
        $last = 0;
        foreach ($this->getModel()->policies->policy->iterateItems() as $policy) {
            $last = max($last, $policy->sequence->asInt());
        }
        return $this->addBase('policy', 'policies.policy', ['sequence' => (string)($last + 1)]);
    }

    public function setPolicyAction($uuid)
    {
        return $this->setBase('policy', 'policies.policy', $uuid);
    }

    public function delPolicyAction($uuid)
    {
        return $this->delBase('policies.policy', $uuid);
    }

    public function togglePolicyAction($uuid, $enabled = null)
    {
        return $this->toggleBase('policies.policy', $uuid, $enabled);
    }

    /**
     * Puts a policy before another one, behind the one that is posted as `after`, or last.
     */
    public function movePolicyAction($uuid, $before = null)
    {
        if (!$this->request->isPost()) {
            return ['result' => 'failed'];
        }
        Config::getInstance()->lock();
        $policies = iterator_to_array($this->getModel()->policies->policy->iterateItems());
        $after = $this->request->getPost('after', null, null);
        foreach (array_filter([$uuid, $before, $after], fn($key) => $key !== null) as $key) {
            if (!is_string($key) || !isset($policies[$key]) || in_array($uuid, [$before, $after], true)) {
                return ['result' => 'not found'];
            }
        }
        uasort($policies, fn($a, $b) => $a->sequence->asInt() <=> $b->sequence->asInt());
        $order = array_values(array_diff(array_keys($policies), [$uuid]));
        $behind = $after === null ? count($order) : array_search($after, $order, true) + 1;
        array_splice($order, $before === null ? $behind : array_search($before, $order, true), 0, [$uuid]);
        foreach ($order as $index => $key) {
            $policies[$key]->sequence = (string)($index + 1);
        }
        return $this->save(false, true);
    }

    /* declared machines */

    public function searchMachineAction()
    {
        return $this->searchShown(
            'machines.machine',
            ['enabled', 'name', 'mac', 'smbios_uuid', 'profile', 'address', 'loader', 'local_boot', 'description'],
            'name'
        );
    }

    public function getMachineAction($uuid = null)
    {
        return $this->getBase('machine', 'machines.machine', $uuid);
    }

    public function addMachineAction()
    {
        return $this->addBase('machine', 'machines.machine');
    }

    public function setMachineAction($uuid)
    {
        return $this->setBase('machine', 'machines.machine', $uuid);
    }

    public function delMachineAction($uuid)
    {
        return $this->delUnused('machines.machine', $uuid);
    }

    public function toggleMachineAction($uuid, $enabled = null)
    {
        return $this->toggleBase('machines.machine', $uuid, $enabled);
    }

    /**
     * All declared machines as CSV; a profile stands in it by its name.
     */
    public function downloadMachineAction()
    {
        if ($this->request->isGet()) {
            $records = $this->getModel()->machines->machine->asRecordSet();
            foreach ($records as $index => $record) {
                $profile = $this->getModel()->getNodeByReference('profiles.profile.' . $record['profile']);
                $records[$index]['profile'] = $profile === null ? '' : $profile->name->getValue();
            }
            $this->exportCsv($records);
        }
    }

    /**
     * Machines of a CSV, told apart by their names: a known one is changed, another one added. Rows with mistakes
     * are left out, and named.
     */
    public function uploadMachineAction()
    {
        if (!$this->request->isPost() || !$this->request->hasPost('payload')) {
            return ['status' => 'failed'];
        }
        $profiles = [];
        foreach ($this->getModel()->profiles->profile->iterateItems() as $uuid => $profile) {
            $profiles[$profile->name->getValue()] = $uuid;
        }
        return $this->importCsv(
            'machines.machine',
            $this->request->getPost('payload'),
            ['name'],
            function (&$record) use ($profiles) {
                if (isset($record['profile'])) {
                    $record['profile'] = $profiles[$record['profile']] ?? $record['profile'];
                }
            }
        );
    }

    /* files that stand in for loaders */

    public function searchFileAction()
    {
        return $this->searchBase('loaders.file', null, 'name');
    }

    public function getFileAction($uuid = null)
    {
        return $this->getBase('file', 'loaders.file', $uuid);
    }

    public function addFileAction()
    {
        return $this->addBase('file', 'loaders.file');
    }

    public function setFileAction($uuid)
    {
        return $this->setBase('file', 'loaders.file', $uuid);
    }

    public function delFileAction($uuid)
    {
        return $this->delBase('loaders.file', $uuid);
    }

    /* webhooks */

    public function searchWebhookAction()
    {
        return $this->searchShown('webhooks.webhook', ['enabled', 'name', 'url', 'events', 'description'], 'name');
    }

    public function getWebhookAction($uuid = null)
    {
        return $this->getBase('webhook', 'webhooks.webhook', $uuid);
    }

    public function addWebhookAction()
    {
        return $this->addBase('webhook', 'webhooks.webhook');
    }

    public function setWebhookAction($uuid)
    {
        return $this->setBase('webhook', 'webhooks.webhook', $uuid);
    }

    public function delWebhookAction($uuid)
    {
        return $this->delBase('webhooks.webhook', $uuid);
    }

    public function toggleWebhookAction($uuid, $enabled = null)
    {
        return $this->toggleBase('webhooks.webhook', $uuid, $enabled);
    }
}
